package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	starlarkjson "go.starlark.net/lib/json"
	starlarktime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
)

// Deeper data is taken for data that contains itself.
const maxDepth = 1000

// decodeJSON keeps the order of keys and integers of any size.
func decodeJSON(text string) (starlark.Value, error) {
	decode := starlarkjson.Module.Members["decode"]
	return starlark.Call(&starlark.Thread{}, decode, starlark.Tuple{starlark.String(text)}, nil)
}

// The keys of a resource, and those of its metadata, that come before the others; these come in string order, as do all
// keys further below. What the resource's file has keeps its place there.
var (
	resourceKeys = []string{"apiVersion", "kind", "metadata"}
	metadataKeys = []string{"name", "namespace", "labels", "annotations"}
)

// encodeJSON writes a list of resources.
func encodeJSON(items starlark.Indexable) ([]byte, error) {
	return appendSequence(nil, items, place{})
}

func appendJSON(out []byte, value starlark.Value, at place) ([]byte, error) {
	if at.depth > maxDepth {
		return nil, fmt.Errorf("data is nested more than %d levels deep", maxDepth)
	}
	switch value := value.(type) {
	case starlark.NoneType:
		return append(out, "null"...), nil
	case starlark.Bool:
		return strconv.AppendBool(out, bool(value)), nil
	case starlark.Int:
		return append(out, value.String()...), nil
	case starlark.Float:
		number := float64(value)
		if math.IsNaN(number) || math.IsInf(number, 0) {
			return nil, fmt.Errorf("%v is no number that a resource can hold", value)
		}
		return strconv.AppendFloat(out, number, 'g', -1, 64), nil
	case starlark.String:
		return appendText(out, string(value))
	case starlarktime.Time:
		return appendText(out, time.Time(value).Format(time.RFC3339Nano))
	case *starlark.Dict:
		return appendDict(out, value, at)
	case *starlark.List:
		return appendSequence(out, value, at)
	case starlark.Tuple:
		return appendSequence(out, value, at)
	}
	return nil, fmt.Errorf("unrecognized starlark type: %s", value.Type())
}

func appendText(out []byte, text string) ([]byte, error) {
	quoted, err := json.Marshal(text)
	return append(out, quoted...), err
}

func appendSequence(out []byte, list starlark.Indexable, at place) ([]byte, error) {
	var err error
	out = append(out, '[')
	for index := range list.Len() {
		if index > 0 {
			out = append(out, ',')
		}
		if out, err = appendJSON(out, list.Index(index), place{depth: at.depth + 1}); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

func appendDict(out []byte, dict *starlark.Dict, at place) ([]byte, error) {
	first := at.firstKeys()
	entries := make([]entry, 0, dict.Len())
	for _, item := range dict.Items() {
		key, err := keyText(item[0])
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{rank(first, key), key, item[1]})
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.key, b.key)) })
	out = append(out, '{')
	for index, entry := range entries {
		var err error
		if index > 0 {
			out = append(out, ',')
		}
		if out, err = appendText(out, entry.key); err != nil {
			return nil, err
		}
		out = append(out, ':')
		if out, err = appendJSON(out, entry.value, place{at.depth + 1, entry.key}); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

type entry struct {
	rank  int
	key   string
	value starlark.Value
}

// rank is the place of a key among those that come first.
func rank(first []string, key string) int {
	if at := slices.Index(first, key); at >= 0 {
		return at
	}
	return len(first)
}

// place is where in a list of resources a value stands.
type place struct {
	depth int
	// The key of a value in its map.
	key string
}

func (at place) firstKeys() []string {
	switch {
	case at.depth == 1:
		return resourceKeys
	case at.depth == 2 && at.key == "metadata":
		return metadataKeys
	}
	return nil
}

func keyText(key starlark.Value) (string, error) {
	switch key := key.(type) {
	case starlark.String:
		return string(key), nil
	case starlark.Int, starlark.Float:
		return key.String(), nil
	case starlark.Bool:
		return strconv.FormatBool(bool(key)), nil
	}
	return "", fmt.Errorf("the key of a map must be a string, not %s", key.Type())
}

// fromGo turns what the YAML decoder makes into values of Starlark. Keys come in string order.
func fromGo(data any) (starlark.Value, error) {
	switch data := data.(type) {
	case nil:
		return starlark.None, nil
	case bool:
		return starlark.Bool(data), nil
	case int:
		return starlark.MakeInt(data), nil
	case int64:
		return starlark.MakeInt64(data), nil
	case uint64:
		return starlark.MakeUint64(data), nil
	case float64:
		return starlark.Float(data), nil
	case string:
		return starlark.String(data), nil
	case time.Time:
		return starlarktime.Time(data), nil
	case []any:
		items := make([]starlark.Value, len(data))
		for index, item := range data {
			value, err := fromGo(item)
			if err != nil {
				return nil, err
			}
			items[index] = value
		}
		return starlark.NewList(items), nil
	case map[any]any:
		return dictFromGo(data)
	}
	return nil, fmt.Errorf("unrecognized type: %T", data)
}

// toGo is for the YAML encoder, which puts keys into string order.
func toGo(value starlark.Value, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("data is nested more than %d levels deep", maxDepth)
	}
	switch value := value.(type) {
	case starlark.NoneType:
		return nil, nil
	case starlark.Bool:
		return bool(value), nil
	case starlark.Int:
		if number, ok := value.Int64(); ok {
			return number, nil
		}
		if number, ok := value.Uint64(); ok {
			return number, nil
		}
		return nil, fmt.Errorf("%v does not fit into 64 bits", value)
	case starlark.Float:
		return float64(value), nil
	case starlark.String:
		return string(value), nil
	case starlarktime.Time:
		return time.Time(value), nil
	case *starlark.Dict:
		entries := make(map[any]any, value.Len())
		for _, item := range value.Items() {
			key, err := toGo(item[0], depth+1)
			if err != nil {
				return nil, err
			}
			if entries[key], err = toGo(item[1], depth+1); err != nil {
				return nil, err
			}
		}
		return entries, nil
	case starlark.Indexable:
		items := make([]any, value.Len())
		for index := range items {
			item, err := toGo(value.Index(index), depth+1)
			if err != nil {
				return nil, err
			}
			items[index] = item
		}
		return items, nil
	}
	return nil, fmt.Errorf("unrecognized starlark type: %s", value.Type())
}

func dictFromGo(data map[any]any) (starlark.Value, error) {
	keys := make([]any, 0, len(data))
	for key := range data {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	dict := starlark.NewDict(len(data))
	for _, key := range keys {
		name, err := fromGo(key)
		if err != nil {
			return nil, err
		}
		value, err := fromGo(data[key])
		if err != nil {
			return nil, err
		}
		if err := dict.SetKey(name, value); err != nil {
			return nil, err
		}
	}
	return dict, nil
}
