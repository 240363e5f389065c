//go:build linux

package processing_test

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/satchel-files/satchel/internal/llm/llmtest"
)

// What the prompts of package instruct look like, as far as the scripted model must know.
var (
	shownPart = regexp.MustCompile(`(?s)<document>\n(.*)\n</document>`)
	factLine  = regexp.MustCompile(`(?m)^(\w+): (.+)$`)
	lastOffer = regexp.MustCompile(`(?m)^(\w+):\n(?:- .*\n)*- "([^"]*)"`)
)

const (
	tokensRead    = 100 // of every answer
	tokensWritten = 10
)

// say answers with this JSON text, and counts tokens.
func say(text string) llmtest.Behaviour {
	return llmtest.Reply(llmtest.Answer{Text: text, Input: tokensRead, Output: tokensWritten})
}

// reads is a model that does what it is asked: of the part of a document that it is shown it gives every line "Name: value" as a value. Of
// several values it chooses the last, and for every instruction about metadata it wants to see the document.
func reads() llmtest.Behaviour {
	return llmtest.By(func(c llmtest.Call) llmtest.Behaviour {
		prompt := c.Prompt()
		set := map[string]any{}
		switch {
		case isChoice(c):
			for _, offer := range lastOffer.FindAllStringSubmatch(prompt, -1) {
				set[offer[1]] = offer[2]
			}
		case isAsk(c):
			return say(`{"needs_document":true,"set":{}}`)
		default:
			for _, fact := range factLine.FindAllStringSubmatch(shownTo(c), -1) {
				set[strings.ToLower(fact[1])] = fact[2]
			}
		}
		text, err := jsonText(map[string]any{"set": set})
		if err != nil {
			return llmtest.Fail(http.StatusInternalServerError, "test", err.Error())
		}
		return say(text)
	})
}

// isChoice tells the last step of a long document, isAsk the first of an instruction about metadata.
func isChoice(c llmtest.Call) bool {
	return strings.HasPrefix(c.Prompt(), "Several parts of a document")
}
func isAsk(c llmtest.Call) bool { return strings.Contains(c.Prompt(), `"needs_document"`) }

// shownTo gives the part of a document that a model was shown.
func shownTo(c llmtest.Call) string {
	for _, m := range c.Messages {
		if shown := shownPart.FindStringSubmatch(m.Text); shown != nil {
			return shown[1]
		}
	}
	return ""
}

// gate holds requests to a model until they may be answered.
type gate struct {
	entered chan llmtest.Call // has room for all of a test
	open    chan struct{}
	once    sync.Once
	then    llmtest.Behaviour
}

func newGate(then llmtest.Behaviour) *gate {
	return &gate{entered: make(chan llmtest.Call, 1000), open: make(chan struct{}), then: then}
}

// hold tells of a request, and answers it when the gate is open.
func (g *gate) hold(ctx context.Context, w http.ResponseWriter, c llmtest.Call) {
	g.entered <- c
	llmtest.After(g.open, g.then)(ctx, w, c)
}

// release opens the gate for good.
func (g *gate) release() { g.once.Do(func() { close(g.open) }) }

// prompts gives what the model was asked, in order; what was asked for several times stands there several times.
func prompts(model *llmtest.Server) []string {
	var all []string
	for _, c := range model.Requests() {
		all = append(all, c.Text())
	}
	return all
}

// distinct gives the different ones, in order.
func distinct(all []string) []string {
	var once []string
	for _, one := range all {
		if !slices.Contains(once, one) {
			once = append(once, one)
		}
	}
	return once
}

func jsonText(value any) (string, error) {
	text, err := json.Marshal(value)
	return string(text), err
}
