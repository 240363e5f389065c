package daemon

import (
	"context"
	"errors"
	"log/slog"

	"github.com/satchel-files/satchel/internal/llm/openai"
)

// What a look at the language model found, under the names that it has where the look is taken.
type (
	// ModelReport is what the endpoint can do.
	ModelReport = openai.Report
	// Ability is how far it keeps to what it is asked for.
	Ability = openai.Ability
)

// ErrNoModel says that no language model is configured.
var ErrNoModel = errors.New("no language model is configured: set SATCHEL_LLM_URL and SATCHEL_LLM_MODEL")

// ExamineModel tries the configured language model: a few small requests. The report is filled as far as the look came, also beside an error.
func ExamineModel(ctx context.Context, c Config) (ModelReport, error) {
	if !c.LLM.Configured() {
		return ModelReport{}, ErrNoModel
	}
	client, err := newModel(c.LLM, slog.New(slog.DiscardHandler))
	if err != nil {
		return ModelReport{}, err
	}
	return client.Probe(ctx)
}
