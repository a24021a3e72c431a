package main

import (
	"regexp"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// reModule knows Go's regular expressions: search gives the range of the first match, match the groups of all
// matches, findall the texts of all matches.
var reModule = &starlarkstruct.Module{
	Name: "re",
	Members: starlark.StringDict{
		"compile": starlark.NewBuiltin("compile", compilePattern),
		"search":  patternBuiltin("search"),
		"match":   patternBuiltin("match"),
		"findall": patternBuiltin("findall"),
		"split":   patternBuiltin("split"),
		"sub":     patternBuiltin("sub"),
	},
}

// operation takes what stands behind the pattern.
type operation = func(expression *regexp.Regexp, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error)

var operations = map[string]operation{
	"search": func(expression *regexp.Regexp, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		text, err := unpackText(fn, args, kwargs)
		if err != nil {
			return nil, err
		}
		found := expression.FindStringIndex(text)
		if found == nil {
			return starlark.None, nil
		}
		return starlark.NewList([]starlark.Value{starlark.MakeInt(found[0]), starlark.MakeInt(found[1])}), nil
	},
	"match": func(expression *regexp.Regexp, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		text, err := unpackText(fn, args, kwargs)
		if err != nil {
			return nil, err
		}
		var matches []starlark.Value
		for _, groups := range expression.FindAllStringSubmatch(text, -1) {
			matches = append(matches, tupleOf(groups))
		}
		return starlark.NewList(matches), nil
	},
	"findall": func(expression *regexp.Regexp, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		text, err := unpackText(fn, args, kwargs)
		return tupleOf(expression.FindAllString(text, -1)), err
	},
	"split": func(expression *regexp.Regexp, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var text string
		var most, flags int
		if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "string", &text, "maxsplit?", &most, "flags?", &flags); err != nil {
			return nil, err
		}
		if most == 0 {
			most = -1
		}
		return tupleOf(expression.Split(text, most)), nil
	},
	"sub": func(expression *regexp.Regexp, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var replacement, text string
		var count, flags int
		if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "repl", &replacement, "string", &text, "count?", &count, "flags?", &flags); err != nil {
			return nil, err
		}
		return starlark.String(expression.ReplaceAllString(text, replacement)), nil
	},
}

func compilePattern(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var pattern string
	var flags int
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "pattern", &pattern, "flags?", &flags); err != nil {
		return nil, err
	}
	expression, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	methods := starlark.StringDict{}
	for name, operation := range operations {
		methods[name] = starlark.NewBuiltin(name, func(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			return operation(expression, fn, args, kwargs)
		})
	}
	return &starlarkstruct.Module{Name: "regexp", Members: methods}, nil
}

// patternBuiltin is an operation that takes the pattern first, by position or by name.
func patternBuiltin(name string) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var ofPattern, others []starlark.Tuple
		for _, kwarg := range kwargs {
			if kwarg[0] == starlark.String("pattern") {
				ofPattern = append(ofPattern, kwarg)
			} else {
				others = append(others, kwarg)
			}
		}
		first := 0
		if len(ofPattern) == 0 && len(args) > 0 {
			first = 1
		}
		var pattern string
		if err := starlark.UnpackArgs(fn.Name(), args[:first], ofPattern, "pattern", &pattern); err != nil {
			return nil, err
		}
		expression, err := regexp.Compile(pattern)
		if err != nil {
			return nil, err
		}
		return operations[name](expression, fn, args[first:], others)
	})
}

func unpackText(fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (string, error) {
	var text string
	var flags int
	err := starlark.UnpackArgs(fn.Name(), args, kwargs, "string", &text, "flags?", &flags)
	return text, err
}

func tupleOf(texts []string) starlark.Tuple {
	values := make(starlark.Tuple, len(texts))
	for index, text := range texts {
		values[index] = starlark.String(text)
	}
	return values
}
