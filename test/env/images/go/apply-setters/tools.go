//go:build tools

package tools

import _ "github.com/kptdev/krm-functions-catalog/functions/go/apply-setters"
