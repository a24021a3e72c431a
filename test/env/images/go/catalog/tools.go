//go:build tools

package tools

import (
	_ "github.com/kptdev/krm-functions-catalog/functions/go/apply-replacements"
	_ "github.com/kptdev/krm-functions-catalog/functions/go/set-namespace"
	_ "github.com/kptdev/krm-functions-catalog/functions/go/starlark"
)
