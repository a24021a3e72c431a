//go:build tools

package porch

import _ "github.com/nephio-project/porch/func/server"
