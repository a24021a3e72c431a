// Command starlark runs one Starlark script over a list of resources. It reads two JSON texts from its standard input,
// a request in one line and the list behind it, and writes a response as JSON to its standard output; what the script prints goes to standard error. It is
// compiled to WebAssembly and given nothing but these three streams and a clock.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// After so many steps the clock is looked at. One step may search a text of many megabytes.
const stepsPerCheck = 1000

type request struct {
	// Name of the script in messages.
	Name      string `json:"name"`
	Program   string `json:"program"`
	MaxSteps  uint64 `json:"maxSteps"`
	TimeoutMs int64  `json:"timeoutMs"`
}

func main() {
	started := time.Now()
	out := bufio.NewWriter(os.Stdout)
	items, err := run(os.Stdin, started)
	if err == nil {
		out.WriteString(`{"items":`)
		out.Write(items)
	} else {
		message, _ := json.Marshal(err.Error())
		out.WriteString(`{"error":`)
		out.Write(message)
	}
	out.WriteString("}")
	out.Flush()
}

// run executes the script of a request and returns the items it leaves, as JSON.
func run(in io.Reader, started time.Time) ([]byte, error) {
	input, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	head, body, _ := bytes.Cut(input, []byte("\n"))
	var req request
	if err := json.Unmarshal(head, &req); err != nil {
		return nil, err
	}
	resourceList, err := decodeJSON(string(body))
	if err != nil {
		return nil, err
	}
	if err := execute(req, resourceList, started.Add(time.Duration(req.TimeoutMs)*time.Millisecond)); err != nil {
		return nil, err
	}
	items, err := itemsOf(resourceList)
	if err != nil {
		return nil, err
	}
	return encodeJSON(items)
}

func execute(req request, resourceList starlark.Value, deadline time.Time) error {
	options := &syntax.FileOptions{Set: true, While: true, TopLevelControl: true, GlobalReassign: true, Recursion: true}
	thread := &starlark.Thread{Name: req.Name, Load: load}
	limit(thread, req.MaxSteps, deadline)
	context := starlark.StringDict{"resource_list": resourceList, "environment": starlark.NewDict(0)}
	predeclared := starlark.StringDict{"ctx": starlarkstruct.FromStringDict(starlarkstruct.Default, context)}
	for name, value := range builtinModules {
		predeclared[name] = value
	}
	_, err := starlark.ExecFileOptions(options, thread, req.Name, req.Program, predeclared)
	return explained(err)
}

// limit ends a script that runs for too many steps or past its deadline.
func limit(thread *starlark.Thread, maxSteps uint64, deadline time.Time) {
	thread.OnMaxSteps = func(thread *starlark.Thread) {
		steps := thread.ExecutionSteps()
		switch {
		case steps >= maxSteps:
			thread.Cancel(fmt.Sprintf("the script took more than %d steps", maxSteps))
		case time.Now().After(deadline):
			thread.Cancel("the script took too long")
		default:
			thread.SetMaxExecutionSteps(min(steps+stepsPerCheck, maxSteps))
		}
	}
	thread.SetMaxExecutionSteps(min(stepsPerCheck, maxSteps))
}

// explained shows on standard error where in the script its error came up.
func explained(err error) error {
	var failure *starlark.EvalError
	if errors.As(err, &failure) {
		fmt.Fprintln(os.Stderr, failure.Backtrace())
	}
	return err
}

func itemsOf(resourceList starlark.Value) (starlark.Indexable, error) {
	dict, ok := resourceList.(*starlark.Dict)
	if !ok {
		return nil, errors.New("ctx.resource_list must stay a dict")
	}
	items, found, err := dict.Get(starlark.String("items"))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errors.New(`ctx.resource_list["items"] is missing`)
	}
	switch items := items.(type) {
	case *starlark.List:
		return items, nil
	case starlark.Tuple:
		return items, nil
	}
	return nil, fmt.Errorf(`ctx.resource_list["items"] must be a list, not %s`, items.Type())
}
