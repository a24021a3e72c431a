package main

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// krmfn tells what a resource is.
var krmfn = &starlarkstruct.Module{
	Name: "krmfn",
	Members: starlark.StringDict{
		"match_gvk":       starlark.NewBuiltin("match_gvk", matchGVK),
		"match_name":      matchMetadata("match_name", "name"),
		"match_namespace": matchMetadata("match_namespace", "namespace"),
	},
}

// matchGVK takes a resource, an apiVersion and a kind. Group and version are compared exactly.
func matchGVK(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var resource *starlark.Dict
	var apiVersion, kind string
	if err := starlark.UnpackPositionalArgs(fn.Name(), args, kwargs, 3, &resource, &apiVersion, &kind); err != nil {
		return nil, err
	}
	matches := textOf(resource, "apiVersion") == apiVersion && textOf(resource, "kind") == kind
	return starlark.Bool(matches), nil
}

func matchMetadata(name, field string) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var resource *starlark.Dict
		var wanted string
		if err := starlark.UnpackPositionalArgs(name, args, kwargs, 2, &resource, &wanted); err != nil {
			return nil, err
		}
		metadata, _, err := resource.Get(starlark.String("metadata"))
		if err != nil {
			return nil, err
		}
		dict, ok := metadata.(*starlark.Dict)
		if !ok {
			return nil, fmt.Errorf("%s: the resource has no metadata", name)
		}
		return starlark.Bool(textOf(dict, field) == wanted), nil
	})
}

// textOf is a field's string, or "" where there is none.
func textOf(dict *starlark.Dict, key string) string {
	value, _, _ := dict.Get(starlark.String(key))
	text, _ := starlark.AsString(value)
	return text
}
