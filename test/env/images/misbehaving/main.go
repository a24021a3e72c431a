// A function that behaves as it is told: by its first argument, else by FUNCTION_BEHAVIOUR, else by a line
// `behaviour: NAME` of the ResourceList (put it into the functionConfig). Without any of these it changes nothing.
// `milliseconds: N` and `bytes: N` say how long and how much; FUNCTION_MILLISECONDS and FUNCTION_BYTES do the same.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	header  = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n"
	failure = "results:\n- message: the value is wrong\n  severity: error\n" +
		"  resourceRef:\n    apiVersion: v1\n    kind: ConfigMap\n    name: a\n" +
		"  field:\n    path: data.k\n  file:\n    path: a.yaml\n"
	generated = "items:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: generated\n  data:\n    k: v\n"
)

// What runs before the input is read, so that the input may never be read.
var unread = map[string]func(){
	"exit-at-once": func() {},
	"fail-at-once": func() { fail(1, "no reason given") },
	"generate":     func() { fmt.Print(header + generated) },
}

// What runs with the input.
var withInput = map[string]func(input []byte){
	"pass-through": func(input []byte) {
		time.Sleep(time.Duration(setting(input, "milliseconds", 0)) * time.Millisecond)
		os.Stdout.Write(input)
	},
	"sleep": func(input []byte) {
		time.Sleep(time.Duration(setting(input, "milliseconds", 3_600_000)) * time.Millisecond)
	},
	"fail-with-results": func(input []byte) {
		os.Stdout.Write(appended(input, failure))
		fail(3, "exit with 3, as told")
	},
	"warn": func(input []byte) {
		os.Stdout.Write(appended(input, strings.Replace(failure, "error", "warning", 1)))
	},
	"flood":         func(input []byte) { flood(os.Stdout, setting(input, "bytes", 200<<20)) },
	"flood-stderr":  func(input []byte) { flood(os.Stderr, setting(input, "bytes", 200<<20)); os.Stdout.Write(input) },
	"allocate":      func([]byte) { allocate() },
	"crash":         func([]byte) { panic("crash, as told") },
	"print-nothing": func([]byte) {},
	"invalid-yaml":  func([]byte) { fmt.Print(header + "items: [\n  {unclosed\n") },
	"invalid-utf8": func(input []byte) {
		os.Stdout.Write(append(bytes.Clone(input), "results:\n- message: \"\xff\xfe\"\n"...))
	},
	"two-documents":  func(input []byte) { os.Stdout.Write(bytes.Join([][]byte{input, input}, []byte("---\n"))) },
	"wrong-kind":     func([]byte) { fmt.Print("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n") },
	"text-before":    func(input []byte) { os.Stdout.Write(append([]byte("Starting ...\n"), input...)) },
	"truncated":      func(input []byte) { os.Stdout.Write(input[:len(input)/2]) },
	"describe-world": func(input []byte) { os.Stdout.Write(appended(input, world())) },
}

func main() {
	name := os.Getenv("FUNCTION_BEHAVIOUR")
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	if run, found := unread[name]; found {
		run()
		return
	}
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(1, err.Error())
	}
	if name == "" {
		name = find(input, "behaviour", "pass-through")
	}
	run, found := withInput[name]
	if !found {
		fail(64, "unknown behaviour "+strconv.Quote(name))
	}
	run(input)
}

func fail(code int, message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(code)
}

func find(input []byte, key, otherwise string) string {
	match := regexp.MustCompile(`(?m)^\s*"?` + key + `"?:\s*"?([\w-]+)`).FindSubmatch(input)
	if match == nil {
		return otherwise
	}
	return string(match[1])
}

func setting(input []byte, key string, otherwise int) int {
	text := os.Getenv("FUNCTION_" + strings.ToUpper(key))
	if text == "" {
		text = find(input, key, strconv.Itoa(otherwise))
	}
	value, err := strconv.Atoi(text)
	if err != nil {
		fail(64, err.Error())
	}
	return value
}

// Works on block style, with what is appended at the top level.
func appended(input []byte, text string) []byte {
	return append(bytes.TrimRight(bytes.Clone(input), "\n"), "\n"+text...)
}

func flood(to io.Writer, total int) {
	line := []byte(strings.Repeat("x", 1023) + "\n")
	for written := 0; written < total; written += len(line) {
		to.Write(line)
	}
}

func allocate() {
	for kept := [][]byte{}; ; {
		block := make([]byte, 8<<20)
		for at := 0; at < len(block); at += 4096 {
			block[at] = 1
		}
		kept = append(kept, block)
	}
}

// What a function can see and do where it runs, as results.
func world() string {
	_, noToken := os.Stat("/var/run/secrets/kubernetes.io/serviceaccount/token")
	writing := os.WriteFile("/written", nil, 0o600)
	facts := []string{
		fmt.Sprintf("uid %d gid %d", os.Getuid(), os.Getgid()),
		fmt.Sprintf("service account token: %t", noToken == nil),
		fmt.Sprintf("writable root: %t", writing == nil),
		fmt.Sprintf("capabilities: %s", capabilities()),
		fmt.Sprintf("network interfaces: %s", strings.Join(interfaces(), " ")),
	}
	text := "results:\n"
	for _, fact := range facts {
		text += "- message: " + strconv.Quote(fact) + "\n  severity: info\n"
	}
	return text
}

func capabilities() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err.Error()
	}
	return string(regexp.MustCompile(`CapEff:\s*(\w+)`).FindSubmatch(status)[1])
}

// The first two lines of the table are its head.
func interfaces() []string {
	table, err := os.ReadFile("/proc/net/dev")
	if err != nil {
		return []string{err.Error()}
	}
	names := []string{}
	for _, line := range strings.Split(strings.TrimSpace(string(table)), "\n")[2:] {
		name, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		names = append(names, name)
	}
	return names
}
