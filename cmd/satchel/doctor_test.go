package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/satchel-files/satchel/internal/llm/llmtest"
)

// able answers as a model does that keeps to what it is asked for.
func able() llmtest.Behaviour {
	return llmtest.By(func(call llmtest.Call) llmtest.Behaviour {
		switch call.Format {
		case "json_schema":
			return llmtest.Text(`{"colour":"teal"}`)
		case "json_object":
			return llmtest.Text(`{"word":"hello"}`)
		}
		return llmtest.Text("Hello!")
	})
}

// What was measured differs from time to time, and where an answer came too soon there is no speed at all.
var (
	measured = regexp.MustCompile(`(?m)^(answers in) +.*$`)
	speed    = regexp.MustCompile(`(?m)^speed +.*\n`)
)

func TestDoctor(t *testing.T) {
	c := newCLI(t)
	c.fails(exitUsage, "doctor")
	c.fails(exitUsage, "doctor", "--llm-url", "http://127.0.0.1:1/v1", "--llm-requests", "none", "--llm-timeout", "-1s")
	c.fails(exitFailed, "doctor", "--llm-url", "http://127.0.0.1:1/v1", "--llm-model", "local")
	c.model(able())
	c.ok("doctor")
	c.ok("doctor", "--llm-model", "another", "--llm-context", "4096", "--llm-vision")
	c.model(llmtest.Without(llmtest.JSONSchema, llmtest.Without(llmtest.JSONObject, llmtest.Text("Hello!\x1b[31m"))))
	c.ok("doctor")
	c.model(llmtest.Locked("the-right-key", able()))
	c.fails(exitFailed, "doctor")
	c.setenv("SATCHEL_LLM_KEY", "two words")
	c.fails(exitUsage, "doctor")
	c.setenv("SATCHEL_LLM_KEY", "the-wrong-key")
	c.fails(exitFailed, "doctor")
	c.setenv("SATCHEL_LLM_KEY", "the-right-key")
	c.ok("doctor")
	if said := c.transcript.String(); strings.Contains(said, "right-key") || strings.Contains(said, "wrong-key") || strings.Contains(said, "\x1b") {
		t.Errorf("it shows what it must not: %s", said)
	}
	shown := speed.ReplaceAllString(c.stable(c.transcript.String()), "")
	c.goldenText("doctor.txt", measured.ReplaceAllString(shown, "$1 …"))
}
