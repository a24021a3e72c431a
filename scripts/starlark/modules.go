package main

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"

	"go.starlark.net/lib/json"
	"go.starlark.net/lib/math"
	"go.starlark.net/lib/time"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"gopkg.in/yaml.v2"
)

// builtinModules are there without a load.
var builtinModules = starlark.StringDict{
	"json":   json.Module,
	"math":   math.Module,
	"time":   time.Module,
	"struct": starlark.NewBuiltin("struct", starlarkstruct.Make),
}

// loadable are the modules that load() knows, each under the name that it exports.
var loadable = map[string]*starlarkstruct.Module{
	"krmfn.star":           krmfn,
	"encoding/json.star":   json.Module,
	"encoding/yaml.star":   yamlModule,
	"encoding/base64.star": base64Module,
	"hash.star":            hashModule,
	"math.star":            math.Module,
	"re.star":              reModule,
	"time.star":            time.Module,
}

func load(_ *starlark.Thread, name string) (starlark.StringDict, error) {
	module, ok := loadable[name]
	if !ok {
		return nil, fmt.Errorf("there is no module %q", name)
	}
	return starlark.StringDict{module.Name: module}, nil
}

type builtin = func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error)

var yamlModule = &starlarkstruct.Module{
	Name: "yaml",
	Members: starlark.StringDict{
		"loads": starlark.NewBuiltin("loads", loadYAML),
		"dumps": starlark.NewBuiltin("dumps", dumpYAML),
	},
}

func loadYAML(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var source string
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "source", &source); err != nil {
		return nil, err
	}
	var data any
	if err := yaml.Unmarshal([]byte(source), &data); err != nil {
		return nil, err
	}
	return fromGo(data)
}

func dumpYAML(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var source starlark.Value
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "source", &source); err != nil {
		return nil, err
	}
	data, err := toGo(source, 0)
	if err != nil {
		return nil, err
	}
	text, err := yaml.Marshal(data)
	return starlark.String(text), err
}

var base64Module = &starlarkstruct.Module{
	Name: "base64",
	Members: starlark.StringDict{
		"encode": starlark.NewBuiltin("encode", base64Builtin(func(encoding *base64.Encoding, text string) (string, error) {
			return encoding.EncodeToString([]byte(text)), nil
		})),
		"decode": starlark.NewBuiltin("decode", base64Builtin(func(encoding *base64.Encoding, text string) (string, error) {
			decoded, err := encoding.DecodeString(text)
			return string(decoded), err
		})),
	},
}

var base64Encodings = map[string]*base64.Encoding{
	"standard":     base64.StdEncoding,
	"standard_raw": base64.RawStdEncoding,
	"url":          base64.URLEncoding,
	"url_raw":      base64.RawURLEncoding,
}

func base64Builtin(convert func(*base64.Encoding, string) (string, error)) builtin {
	return func(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var text string
		name := "standard"
		if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "src", &text, "encoding?", &name); err != nil {
			return nil, err
		}
		encoding, ok := base64Encodings[name]
		if !ok {
			return nil, fmt.Errorf("unsupported encoding format: %q", name)
		}
		converted, err := convert(encoding, text)
		return starlark.String(converted), err
	}
}

var hashModule = &starlarkstruct.Module{
	Name: "hash",
	Members: starlark.StringDict{
		"md5":    hashBuiltin("md5", md5.New),
		"sha1":   hashBuiltin("sha1", sha1.New),
		"sha256": hashBuiltin("sha256", sha256.New),
	},
}

func hashBuiltin(name string, newHash func() hash.Hash) *starlark.Builtin {
	return starlark.NewBuiltin("hash."+name, func(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var text string
		if err := starlark.UnpackPositionalArgs(fn.Name(), args, kwargs, 1, &text); err != nil {
			return nil, err
		}
		sum := newHash()
		sum.Write([]byte(text))
		return starlark.String(hex.EncodeToString(sum.Sum(nil))), nil
	})
}
