package openai_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/llm"
	"github.com/satchel-files/satchel/internal/llm/llmtest"
	"github.com/satchel-files/satchel/internal/llm/openai"
)

// realClient makes a client of the real model, which is slow on a busy machine.
func realClient(t *testing.T, change ...func(*openai.Config)) *openai.Client {
	t.Helper()
	at := llmtest.Real(t)
	config := openai.Config{URL: at.URL, Model: at.Model, Key: openai.Key(at.Key), Timeout: 10 * time.Minute}
	for _, f := range change {
		f(&config)
	}
	c, err := openai.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRealModel(t *testing.T) {
	model := realClient(t)
	t.Run("schema", func(t *testing.T) {
		got := complete(t, model, request())
		var in struct{ Tenant string }
		if err := json.Unmarshal([]byte(got.Text), &in); err != nil || in.Tenant != "Amalia Voss" {
			t.Errorf("got %q, %v", got.Text, err)
		}
		if got.Tokens.Input < 20 || got.Tokens.Output < 5 || got.Truncated {
			t.Errorf("got %+v", *got)
		}
	})
	t.Run("truncated", func(t *testing.T) {
		r := request()
		r.MaxTokens = 3
		if got := complete(t, model, r); !got.Truncated || got.Tokens.Output != 3 {
			t.Errorf("got %+v", *got)
		}
	})
	t.Run("too long", func(t *testing.T) {
		r := request()
		r.Messages[1].Text = strings.Repeat(document+" ", 10_000)
		fails(t, model, r, llm.KindTooLong, "SATCHEL_LLM_CONTEXT")
	})
}

func TestRealModelWithoutItsKey(t *testing.T) {
	if at := llmtest.Real(t); at.Key == "" {
		return // somebody's own server, which is open
	}
	fails(t, realClient(t, func(c *openai.Config) { c.Key = secret }), request(), llm.KindRefused, "SATCHEL_LLM_KEY")
}

func TestProbeRealModel(t *testing.T) {
	report, err := realClient(t).Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v %q", report, report.Advice())
	if listed, known := report.Listed(); !listed || !known {
		t.Errorf("the models are %q", report.Models)
	}
	if report.JSONSchema != openai.Kept || report.JSONObject != openai.Kept || report.Vision != openai.Untried {
		t.Errorf("schema %s, object %s, vision %s", report.JSONSchema, report.JSONObject, report.Vision)
	}
	if report.ReadPerSecond <= 0 || report.WritePerSecond <= 0 || report.ServerContext <= 0 || report.AnsweredModel == "" {
		t.Errorf("it found out too little: %+v", report)
	}
}
