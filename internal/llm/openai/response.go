package openai

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/llm"
)

// maxAnswer bounds what is read of an answer, in bytes. The longest that a model writes is far below.
const maxAnswer = 8 << 20

// maxTokens bounds the counts that are believed.
const maxTokens = 1 << 31

var errTooLarge = errors.New("the answer is larger than 8 MiB")

// read gives a body, which may be of any size.
func (c *Client) read(body io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(body, c.maxBytes+1))
	if err == nil && int64(len(content)) > c.maxBytes {
		return nil, errTooLarge
	}
	return content, err
}

// wireAnswer is the JSON of an answer, as far as it is of interest. Where servers differ, fields are read later.
type wireAnswer struct {
	Model   string `json:"model"`
	Choices []struct {
		FinishReason string `json:"finish_reason"`
		Message      struct {
			Content json.RawMessage `json:"content"`
			Refusal string          `json:"refusal"`
		} `json:"message"`
		Logprobs json.RawMessage `json:"logprobs"`
	} `json:"choices"`
	Usage json.RawMessage `json:"usage"`
	Error json.RawMessage `json:"error"`
}

// decode reads the body of a success.
func (c *Client) decode(content []byte, r llm.Request) (*llm.Response, error) {
	var in wireAnswer
	if err := json.Unmarshal(content, &in); err != nil {
		return nil, &llm.Error{Kind: llm.KindDown, Message: c.at.host + " answered something else than the JSON of a chat completion; is SATCHEL_LLM_URL right?"}
	}
	if len(in.Choices) == 0 {
		if status := statusWithin(in.Error); status != 0 {
			return nil, c.failed(status, nil, content, r.Messages)
		}
		return nil, &llm.Error{Kind: llm.KindDown, Message: c.at.host + " gave an answer without a choice"}
	}
	first := in.Choices[0]
	text, ok := textOf(first.Message.Content)
	switch {
	case !ok:
		return nil, &llm.Error{Kind: llm.KindDown, Message: c.at.host + " gave a message whose content is neither text nor parts"}
	case text == "" && first.Message.Refusal != "":
		return nil, &llm.Error{Kind: llm.KindRefused, Message: "the model declined to answer"}
	case first.FinishReason == "content_filter":
		return nil, &llm.Error{Kind: llm.KindRefused, Message: "a content filter of the language model's server stopped the answer"}
	}
	tokens := usage(in.Usage, r.Messages, text)
	if len(r.Schema) > 0 {
		text = tidy(text)
	}
	answer := &llm.Response{Text: text, Truncated: isTruncation(first.FinishReason), Tokens: tokens, Model: in.Model}
	if r.Pieces {
		answer.Pieces = piecesOf(first.Logprobs)
	}
	return answer, nil
}

// wireToken is a token with its probability. Where a character is more than one token, only bytes have its parts.
type wireToken struct {
	Token   string  `json:"token"`
	Bytes   []int   `json:"bytes"`
	Logprob float64 `json:"logprob"`
}

func (t wireToken) text() string {
	if len(t.Bytes) == 0 {
		return t.Token
	}
	text := make([]byte, len(t.Bytes))
	for i, b := range t.Bytes {
		text[i] = byte(b) //nolint:gosec // what is no byte is nonsense of the server's
	}
	return string(text)
}

// piecesOf reads what a server tells of the tokens of an answer; nil: nothing that can be read.
func piecesOf(logprobs json.RawMessage) []llm.Piece {
	var in struct {
		Content []struct {
			wireToken
			Top []wireToken `json:"top_logprobs"`
		} `json:"content"`
	}
	if len(logprobs) == 0 || json.Unmarshal(logprobs, &in) != nil {
		return nil
	}
	var pieces []llm.Piece
	for _, token := range in.Content {
		piece := llm.Piece{Text: token.text()}
		for _, top := range token.Top {
			piece.Likely = append(piece.Likely, llm.Choice{Text: top.text(), Probability: math.Exp(top.Logprob)})
		}
		pieces = append(pieces, piece)
	}
	return pieces
}

// statusWithin gives the HTTP status of a failure that came as a success; 0: there is no failure.
func statusWithin(failure json.RawMessage) int {
	if len(failure) == 0 || string(failure) == "null" {
		return 0
	}
	var in struct {
		Code json.Number `json:"code"`
	}
	_ = json.Unmarshal(failure, &in)
	code, err := in.Code.Int64()
	if err != nil || code < 400 || code > 599 {
		return http.StatusInternalServerError
	}
	return int(code)
}

// textOf gives the text of a content: a string, null, or a list of parts.
func textOf(content json.RawMessage) (text string, ok bool) {
	if len(content) == 0 || json.Unmarshal(content, &text) == nil {
		return text, true
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if json.Unmarshal(content, &parts) != nil {
		return "", false
	}
	var all strings.Builder
	for _, part := range parts {
		if part.Type == "text" {
			all.WriteString(part.Text)
		}
	}
	return all.String(), true
}

// isTruncation knows the words that servers have for an answer that was cut.
func isTruncation(reason string) bool {
	return slices.Contains([]string{"length", "max_tokens", "model_length"}, strings.ToLower(reason))
}

// usage gives the tokens that the server counted, or a guess where it says nothing that can be believed.
func usage(given json.RawMessage, messages []llm.Message, text string) satchel.Tokens {
	var in struct {
		Input  int64 `json:"prompt_tokens"`
		Output int64 `json:"completion_tokens"`
	}
	if json.Unmarshal(given, &in) != nil {
		in.Input, in.Output = 0, 0
	}
	if in.Input <= 0 || in.Input > maxTokens {
		in.Input = 0
		for _, m := range messages {
			in.Input += guess(m.Text) + int64(len(m.Images))*imageTokens
		}
	}
	if in.Output < 0 || in.Output > maxTokens || in.Output == 0 && text != "" {
		in.Output = guess(text)
	}
	return satchel.Tokens{Input: in.Input, Output: in.Output}
}

// imageTokens is what an image costs where nobody counted.
const imageTokens = 1000

// guess estimates the tokens of a text, rather too many: one for four characters, and more for those beyond ASCII.
func guess(text string) int64 {
	characters := utf8.RuneCountInString(text)
	return int64(characters/4 + (len(text)-characters)/2 + 4)
}

// tidy takes off what models write around the JSON that was asked for: their thoughts, and a fence of Markdown.
func tidy(text string) string {
	text = strings.TrimSpace(text)
	if json.Valid([]byte(text)) {
		return text
	}
	text = withoutThoughts(text)
	if inside, ok := fenced(text); ok && json.Valid([]byte(inside)) {
		return inside
	}
	return text
}

const (
	thinks   = "<think>"
	hasMused = "</think>"
)

// withoutThoughts drops blocks at the start. Some servers give only a block's end; a block without one was cut, and nothing follows it.
func withoutThoughts(text string) string {
	for {
		opened := strings.HasPrefix(text, thinks)
		_, after, closed := strings.Cut(text, hasMused)
		switch {
		case closed:
			text = strings.TrimSpace(after)
		case opened:
			return ""
		default:
			return text
		}
	}
}

// fenced gives what stands in the only fenced block of a text.
func fenced(text string) (inside string, ok bool) {
	const fence = "```"
	_, rest, ok := strings.Cut(text, fence)
	if !ok {
		return "", false
	}
	language, rest, ok := strings.Cut(rest, "\n")
	if !ok || strings.ContainsAny(language, "{[\"") {
		return "", false
	}
	end := strings.LastIndex(rest, "\n"+fence)
	if end < 0 {
		return "", false
	}
	return strings.TrimSpace(rest[:end]), true
}
