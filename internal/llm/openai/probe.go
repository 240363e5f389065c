package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/llm"
)

// Ability is what an endpoint makes of something that it was asked for.
type Ability string

// The values of an Ability.
const (
	Untried Ability = "untried" // it was not asked for, or the attempt failed for another reason
	Kept    Ability = "kept"    // it does it
	Ignored Ability = "ignored" // it accepts it and does not do it
	Refused Ability = "refused" // it says that it cannot
)

// Report is what Probe found out. Texts that came from the endpoint are one line each, without control characters.
type Report struct {
	URL       string // of the API, as it is called
	Host      string // to which documents are sent
	Loopback  bool   // that is this machine
	Encrypted bool   // by https

	Model         string   // as configured
	Models        []string // that the endpoint lists, at most 1,000, sorted; nil: it lists none
	AnsweredModel string   // what the endpoint calls the model that answered

	RoundTrip  time.Duration // of a tiny request
	JSONSchema Ability
	JSONObject Ability
	Pieces     Ability // how probable tokens were
	Vision     Ability // Untried unless it is configured

	ReadPerSecond  float64 // tokens of a request; 0: not known
	WritePerSecond float64 // tokens of an answer; 0: not known

	Context       int // tokens, as configured
	ServerContext int // tokens, as the endpoint says; 0: it does not say
}

// Listed reports whether the endpoint lists the configured model; known is false where it lists none.
func (r *Report) Listed() (listed, known bool) {
	return slices.Contains(r.Models, r.Model), len(r.Models) > 0
}

// Advice says in whole sentences what should be set differently; empty: nothing.
func (r *Report) Advice() []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if !r.Loopback && !r.Encrypted {
		say("Documents and the key go to %s unencrypted: set SATCHEL_LLM_URL to an https URL if there is one.", r.Host)
	}
	if listed, known := r.Listed(); known && !listed {
		say("%s does not list the model %q: it may answer with another one. See SATCHEL_LLM_MODEL.", r.Host, r.Model)
	}
	switch {
	case r.ServerContext > 0 && r.ServerContext < r.Context:
		say("The server takes %d tokens at once, and %d are configured: set SATCHEL_LLM_CONTEXT=%d, or start the server with more.",
			r.ServerContext, r.Context, r.ServerContext)
	case r.ServerContext > r.Context:
		say("The server takes %d tokens at once, of which %d are used: with a larger SATCHEL_LLM_CONTEXT, long documents need fewer requests.",
			r.ServerContext, r.Context)
	}
	if r.JSONSchema == Refused || r.JSONSchema == Ignored {
		say("The server does not hold answers to a JSON Schema: more of them will be of no use.")
	}
	if r.Vision == Refused || r.Vision == Ignored {
		say("The model does not see images: set SATCHEL_LLM_VISION=false.")
	}
	return all
}

// Probe tries the endpoint and says what it can do, with about ten small requests. It takes some seconds, and a minute or two with a slow
// local model. The error is that of the first request that must work; the report then holds what was known before.
func (c *Client) Probe(ctx context.Context) (Report, error) {
	p := prober{c, Report{
		URL: c.at.base, Host: c.at.host, Loopback: c.at.near, Encrypted: strings.HasPrefix(c.at.base, "https:"), Model: c.model,
		JSONSchema: Untried, JSONObject: Untried, Pieces: Untried, Vision: Untried, Context: c.limits.Context,
	}}
	listed := p.models(ctx)
	for _, step := range []func(context.Context) error{p.answer, p.schema, p.object, p.vision, p.speed} {
		if err := step(ctx); err != nil {
			return p.report, err
		}
	}
	p.report.ServerContext = p.context(ctx, listed)
	return p.report, ctx.Err()
}

// prober fills a report.
type prober struct {
	client *Client
	report Report
}

// ask sends a small request.
func (p *prober) ask(ctx context.Context, prompt string, maxTokens int, schema string) (*llm.Response, error) {
	return p.client.Complete(ctx, llm.Request{
		Messages: []llm.Message{{Role: llm.RoleUser, Text: prompt}}, MaxTokens: maxTokens, Schema: json.RawMessage(schema),
	})
}

func (p *prober) answer(ctx context.Context) error {
	if err := p.pieces(ctx); err != nil { // first, because what is loaded or learned now is not measured
		return err
	}
	start := time.Now()
	response, err := p.ask(ctx, "Say hello.", 1, "")
	if err != nil {
		return err
	}
	p.report.RoundTrip, p.report.AnsweredModel = time.Since(start), label(response.Model)
	return nil
}

func (p *prober) pieces(ctx context.Context) error {
	response, err := p.client.Complete(ctx, llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Text: "Say hello."}}, MaxTokens: 1, Pieces: true})
	switch {
	case err != nil:
		return err
	case p.client.learned.way(nil).noPieces:
		p.report.Pieces = Refused
	case slices.ContainsFunc(response.Pieces, func(piece llm.Piece) bool { return len(piece.Likely) > 0 }):
		p.report.Pieces = Kept
	default:
		p.report.Pieces = Ignored
	}
	return nil
}

// maxTrial is how much an answer to a trial may be, in tokens: enough for a model that thinks first.
const maxTrial = 256

// schema asks for what nobody would answer who was not held to the schema.
func (p *prober) schema(ctx context.Context) error {
	const schema = `{"type":"object","properties":{"colour":{"type":"string","enum":["teal"]}},"required":["colour"],"additionalProperties":false}`
	var err error
	p.report.JSONSchema, err = p.trial(ctx, "Say hello in one word.", schema, strictSchema, func(text string) bool {
		var in struct{ Colour string }
		return json.Unmarshal([]byte(text), &in) == nil && in.Colour == "teal"
	})
	return err
}

func (p *prober) object(ctx context.Context) error {
	var err error
	p.report.JSONObject, err = p.trial(ctx, "Say hello in one word. (JSON)", `{"type":"object"}`, jsonObject, func(text string) bool {
		var in map[string]any
		return json.Unmarshal([]byte(text), &in) == nil
	})
	return err
}

// trial asks in one form, whatever is known of others, and says what became of it. What it finds is not learned; requests find it again.
func (p *prober) trial(ctx context.Context, prompt, schema string, as form, kept func(text string) bool) (Ability, error) {
	if err := p.client.enter(ctx); err != nil {
		return Untried, err
	}
	defer p.client.leave()
	r := llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Text: prompt}}, MaxTokens: maxTrial, Schema: json.RawMessage(schema)}
	w := p.client.learned.way(nil)
	w.form = as
	if as == jsonObject { // the schema would be in the prompt, and the model might keep to that
		r.Schema = nil
		return p.tried(ctx, r, w, &wireFormat{Type: "json_object"}, kept)
	}
	return p.tried(ctx, r, w, format(r, w), kept)
}

func (p *prober) tried(ctx context.Context, r llm.Request, w way, f *wireFormat, kept func(text string) bool) (Ability, error) {
	response, err := p.client.onceAs(ctx, r, w, f)
	if ctx.Err() != nil {
		return Untried, ctx.Err()
	}
	refusal, isFailure := errors.AsType[*failure](err)
	switch {
	case err == nil && kept(tidy(response.Text)):
		return Kept, nil
	case err == nil && response.Truncated:
		return Untried, nil
	case err == nil:
		return Ignored, nil
	case isFailure && refusal.aboutRequest():
		return Refused, nil
	}
	return Untried, nil
}

// vision shows a red picture.
func (p *prober) vision(ctx context.Context) error {
	if !p.client.limits.Vision {
		return nil
	}
	response, err := p.client.Complete(ctx, llm.Request{MaxTokens: maxTrial, Messages: []llm.Message{
		{Role: llm.RoleUser, Text: "Which colour is this image? Answer with one word.", Images: [][]byte{redPicture()}},
	}})
	switch {
	case llm.KindOf(err) == llm.KindRefused:
		p.report.Vision = Refused
	case err == nil && strings.Contains(strings.ToLower(response.Text), "red"):
		p.report.Vision = Kept
	case err == nil:
		p.report.Vision = Ignored
	}
	return ctx.Err()
}

// redPicture is a PNG of a size that every model takes.
func redPicture() []byte {
	const side = 64
	picture := image.NewRGBA(image.Rect(0, 0, side, side))
	draw.Draw(picture, picture.Bounds(), image.NewUniform(color.RGBA{R: 220, A: 255}), image.Point{}, draw.Src)
	var out bytes.Buffer
	_ = png.Encode(&out, picture) // a buffer takes everything
	return out.Bytes()
}

// speed measures a request that is long to read and one that is long to write, each against a tiny one. The long ones begin with the time,
// because servers remember what they have read.
func (p *prober) speed(ctx context.Context) error {
	begin := "It is " + time.Now().Format(time.RFC3339Nano) + ". "
	read, took, err := p.timed(ctx, begin+strings.Repeat("The ship sails at noon with wool, salt and nine barrels of tar. ", 20)+"Say yes.", 1)
	if err != nil {
		return err
	}
	p.report.ReadPerSecond = perSecond(read.Input, took-p.report.RoundTrip)
	written, took, err := p.timed(ctx, "Count from 1 to 100 in words.", 24)
	if err != nil {
		return err
	}
	p.report.WritePerSecond = perSecond(written.Output-1, took-p.report.RoundTrip)
	return nil
}

func (p *prober) timed(ctx context.Context, prompt string, maxTokens int) (satchel.Tokens, time.Duration, error) {
	start := time.Now()
	response, err := p.ask(ctx, prompt, maxTokens, "")
	if err != nil {
		return satchel.Tokens{}, 0, err
	}
	return response.Tokens, time.Since(start), nil
}

func perSecond(tokens int64, took time.Duration) float64 {
	if tokens <= 0 || took <= 0 {
		return 0
	}
	return float64(tokens) / took.Seconds()
}

// listedModel is one model of a list. Servers that say how much it takes have different names for that.
type listedModel struct {
	ID            string `json:"id"`
	MaxModelLen   int    `json:"max_model_len"`
	ContextLength int    `json:"context_length"`
	ContextWindow int    `json:"context_window"`
	Meta          struct {
		Context int `json:"n_ctx"`
	} `json:"meta"`
}

// models lists the models; an endpoint need not have such a list.
func (p *prober) models(ctx context.Context) []listedModel {
	var in struct {
		Data []listedModel `json:"data"`
	}
	p.get(ctx, p.client.at.base+"/models", &in)
	in.Data = in.Data[:min(len(in.Data), 1000)]
	for _, m := range in.Data {
		p.report.Models = append(p.report.Models, label(m.ID))
	}
	slices.Sort(p.report.Models)
	return in.Data
}

// context asks the places where servers say how many tokens they take, first those that know what is set now; 0: none says.
func (p *prober) context(ctx context.Context, listed []listedModel) int {
	var props struct {
		Settings struct {
			Context int `json:"n_ctx"`
		} `json:"default_generation_settings"`
	}
	if p.get(ctx, p.client.at.root+"/props", &props); props.Settings.Context > 0 {
		return props.Settings.Context
	}
	var running struct {
		Models []struct {
			Name    string `json:"name"`
			Context int    `json:"context_length"`
		} `json:"models"`
	}
	p.get(ctx, p.client.at.root+"/api/ps", &running)
	for _, m := range running.Models {
		if m.Context > 0 && strings.TrimSuffix(m.Name, ":latest") == strings.TrimSuffix(p.client.model, ":latest") {
			return m.Context
		}
	}
	for _, m := range listed {
		if m.ID == p.client.model {
			return max(0, m.MaxModelLen, m.ContextLength, m.ContextWindow, m.Meta.Context)
		}
	}
	return 0
}

// get reads JSON into what is pointed to; what cannot be had leaves it as it is.
func (p *prober) get(ctx context.Context, url string, into any) {
	content, err := p.client.exchange(ctx, http.MethodGet, url, nil, nil)
	if err == nil {
		_ = json.Unmarshal(content, into)
	}
}

// label makes a name from elsewhere fit to be shown.
func label(name string) string {
	characters := []rune(oneLine(name))
	return string(characters[:min(len(characters), maxQuote)])
}
