package openai

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/satchel-files/satchel/internal/llm"
)

// The JSON of a request.
type (
	wireRequest struct {
		Model               string        `json:"model"`
		Messages            []wireMessage `json:"messages"`
		MaxTokens           int           `json:"max_tokens,omitempty"`
		MaxCompletionTokens int           `json:"max_completion_tokens,omitempty"`
		Temperature         *float64      `json:"temperature,omitempty"`
		ResponseFormat      *wireFormat   `json:"response_format,omitempty"`
		Logprobs            bool          `json:"logprobs,omitempty"`
		TopLogprobs         int           `json:"top_logprobs,omitempty"`
	}
	wireMessage struct {
		Role    llm.Role `json:"role"`
		Content any      `json:"content"` // a string, or parts
	}
	wirePart struct {
		Type  string     `json:"type"`
		Text  string     `json:"text,omitempty"`
		Image *wireImage `json:"image_url,omitempty"`
	}
	wireImage struct {
		URL string `json:"url"`
	}
	wireFormat struct {
		Type       string      `json:"type"`
		JSONSchema *wireSchema `json:"json_schema,omitempty"`
	}
	wireSchema struct {
		Name   string          `json:"name"`
		Strict bool            `json:"strict,omitempty"`
		Schema json.RawMessage `json:"schema"`
	}
)

// likely is how many tokens are asked for at every place of an answer: as many as every server that tells any takes.
const likely = 5

// once sends a request in one way and reads its answer.
func (c *Client) once(ctx context.Context, r llm.Request, w way) (*llm.Response, error) {
	return c.onceAs(ctx, r, w, format(r, w))
}

// onceAs is once with a response_format of its own.
func (c *Client) onceAs(ctx context.Context, r llm.Request, w way, as *wireFormat) (*llm.Response, error) {
	body, err := c.encode(r, w, as)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	content, err := c.exchange(ctx, http.MethodPost, c.at.base+"/chat/completions", body, r.Messages)
	if err != nil {
		c.logger.DebugContext(ctx, "the language model's server failed", "error", err, "host", c.at.host, "model", c.model, "took", time.Since(start))
		return nil, err
	}
	answer, err := c.decode(content, r)
	if err != nil {
		return nil, err
	}
	c.logger.DebugContext(ctx, "the language model answered", "host", c.at.host, "model", c.model, "took", time.Since(start),
		"read", answer.Tokens.Input, "written", answer.Tokens.Output, "truncated", answer.Truncated)
	return answer, nil
}

// encode writes a request's body.
func (c *Client) encode(r llm.Request, w way, as *wireFormat) ([]byte, error) {
	out := wireRequest{Model: c.model, ResponseFormat: as}
	for _, m := range put(r, w) {
		content, err := c.content(m)
		if err != nil {
			return nil, err
		}
		out.Messages = append(out.Messages, wireMessage{m.Role, content})
	}
	if w.newLimit {
		out.MaxCompletionTokens = r.MaxTokens
	} else {
		out.MaxTokens = r.MaxTokens
	}
	if !w.noHeat {
		out.Temperature = new(float64)
	}
	if r.Pieces && !w.noPieces {
		out.Logprobs, out.TopLogprobs = true, likely
	}
	body, err := json.Marshal(out)
	if err != nil {
		return nil, &llm.Error{Kind: llm.KindRefused, Message: "the schema of the answer is no JSON"}
	}
	return body, nil
}

func format(r llm.Request, w way) *wireFormat {
	switch {
	case len(r.Schema) == 0 || w.form == promptOnly:
		return nil
	case w.form == jsonObject:
		return &wireFormat{Type: "json_object"}
	}
	name := r.SchemaName
	if name == "" {
		name = "answer"
	}
	return &wireFormat{"json_schema", &wireSchema{name, w.form == strictSchema, r.Schema}}
}

// put gives the messages as this way has them.
func put(r llm.Request, w way) []llm.Message {
	messages := slices.Clone(r.Messages)
	if w.noSystems {
		messages = withoutSystems(messages)
	}
	if len(r.Schema) > 0 && w.form >= jsonObject {
		messages = withSchema(messages, r.Schema)
	}
	return messages
}

// withoutSystems puts the text of system messages before that of the first user message.
func withoutSystems(messages []llm.Message) []llm.Message {
	var said []string
	var others []llm.Message
	for _, m := range messages {
		if m.Role == llm.RoleSystem {
			said = append(said, m.Text)
		} else {
			others = append(others, m)
		}
	}
	first := slices.IndexFunc(others, func(m llm.Message) bool { return m.Role == llm.RoleUser })
	if first < 0 {
		return append([]llm.Message{{Role: llm.RoleUser, Text: strings.Join(said, "\n\n")}}, others...)
	}
	others[first].Text = strings.Join(append(said, others[first].Text), "\n\n")
	return others
}

// withSchema says at the end of the conversation what the answer must be.
func withSchema(messages []llm.Message, schema json.RawMessage) []llm.Message {
	text := "Answer with one JSON value that keeps to this JSON Schema, and with nothing else: no explanation, no Markdown.\n<schema>\n" +
		string(schema) + "\n</schema>"
	last := len(messages) - 1
	if last < 0 || messages[last].Role != llm.RoleUser {
		return append(messages, llm.Message{Role: llm.RoleUser, Text: text})
	}
	messages[last].Text += "\n\n" + text
	return messages
}

// content writes a message's content: a string, which every server takes, or parts where there are images.
func (c *Client) content(m llm.Message) (any, error) {
	if len(m.Images) == 0 {
		return m.Text, nil
	}
	if !c.limits.Vision {
		return nil, &llm.Error{Kind: llm.KindRefused, Message: "the model is not set up to take images; if it can, set SATCHEL_LLM_VISION=true"}
	}
	parts := []wirePart{{Type: "text", Text: m.Text}}
	for _, image := range m.Images {
		kind := http.DetectContentType(image)
		if kind != "image/png" && kind != "image/jpeg" {
			return nil, &llm.Error{Kind: llm.KindRefused, Message: fmt.Sprintf("images must be PNG or JPEG, not %s", kind)}
		}
		url := "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(image)
		parts = append(parts, wirePart{Type: "image_url", Image: &wireImage{url}})
	}
	return parts, nil
}

// exchange sends one HTTP request and gives the body of a success. said is what must not appear in an error.
func (c *Client) exchange(ctx context.Context, method, url string, body []byte, said []llm.Message) ([]byte, error) {
	timed, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(timed, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, &llm.Error{Kind: llm.KindRefused, Message: "no request can be made for this URL; set SATCHEL_LLM_URL", Err: err}
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "satchel")
	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+string(c.key))
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.broken(ctx, timed, err)
	}
	defer response.Body.Close()
	content, err := c.read(response.Body)
	if err != nil {
		return nil, c.broken(ctx, timed, err)
	}
	if response.StatusCode/100 != 2 {
		return nil, c.failed(response.StatusCode, response.Header, content, said)
	}
	return content, nil
}
