package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
)

func (p *program) processCommand() *cobra.Command {
	var c connection
	var instructions, schema string
	var wait bool
	cmd := &cobra.Command{
		Use: "process ID", Short: "Read a file again, and carry out its instructions", Args: cobra.ExactArgs(1),
		Long: `Read a file again, and carry out its instructions or new ones, which then stay with the file.
Metadata that a person set are not overwritten.

` + idHelp,
		Example: "satchel process invoice.pdf --instructions 'find the total, the date and the seller' --wait",
		RunE: func(cmd *cobra.Command, args []string) error {
			var request api.ProcessRequest
			if cmd.Flags().Changed("instructions") {
				request.Instructions = &instructions
			}
			var err error
			if request.MetadataSchema, err = schemaOf(schema); err != nil {
				return err
			}
			client, err := p.connect(&c)
			if err != nil {
				return err
			}
			f, err := p.resolve(cmd.Context(), client, args[0])
			if err == nil {
				f, err = client.Process(cmd.Context(), f.ID, request, 0)
			}
			if err != nil {
				return err
			}
			return p.afterProcess(cmd.Context(), client, f, wait)
		},
	}
	cmd.Flags().StringVar(&instructions, "instructions", "", "`text` in the place of the file's own; empty: none from now on")
	cmd.Flags().StringVar(&schema, "schema", "", "JSON Schema that binds the model, or the `file` it is in")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until the file is processed, show the steps, and fail if that fails")
	c.addTo(cmd.Flags(), true)
	return cmd
}

func (p *program) afterProcess(ctx context.Context, c *client.Client, f *api.File, wait bool) (err error) {
	if wait {
		if f, err = (&waiter{program: p, client: c}).wait(ctx, f); err != nil {
			return err
		}
	}
	p.printf("%s  %s  %s\n", clean(f.ID), clean(f.Status), clean(f.Filename))
	if wait && f.Status == statusError {
		return fmt.Errorf("processing failed: %s", clean(details(f)))
	}
	if wait {
		_, err = fmt.Fprintln(p.out, pretty(f.Metadata))
	}
	return err
}

// schemaOf gives a JSON Schema that stands on the command line, or in a file.
func schemaOf(text string) (json.RawMessage, error) {
	if text == "" {
		return nil, nil
	}
	if json.Valid([]byte(text)) {
		return json.RawMessage(text), nil
	}
	content, err := os.ReadFile(text)
	if err != nil {
		return nil, usagef("--schema is neither JSON nor a file: %w", err)
	}
	if !json.Valid(content) {
		return nil, usagef("--schema: %s holds no JSON", text)
	}
	return content, nil
}

func (p *program) cancelCommand() *cobra.Command {
	var c connection
	cmd := &cobra.Command{
		Use: "cancel ID", Short: "Stop the processing of a file", Args: cobra.ExactArgs(1),
		Long: "Stop what is being done with a file.\n\n" + idHelp, Example: "satchel cancel report.pdf",
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := p.connect(&c)
			if err != nil {
				return err
			}
			f, err := p.resolve(cmd.Context(), client, args[0])
			if err == nil {
				f, err = client.Cancel(cmd.Context(), f.ID)
			}
			if err != nil {
				return err
			}
			return p.afterProcess(cmd.Context(), client, f, false)
		},
	}
	c.addTo(cmd.Flags(), true)
	return cmd
}

func (p *program) textCommand() *cobra.Command {
	var c connection
	var page int
	cmd := &cobra.Command{
		Use: "text ID", Short: "Print the text that was found in a file", Args: cobra.ExactArgs(1),
		Long:    "Print the text that was found in a file, or one page of it. A form feed stands between two pages.\n\n" + idHelp,
		Example: "satchel text report.pdf | less\nsatchel text slides.pptx --page 3",
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("page") && page < 1 {
				return usagef("pages are numbered from 1")
			}
			client, err := p.connect(&c)
			if err != nil {
				return err
			}
			f, err := p.resolve(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			return p.printText(cmd.Context(), client, f, page)
		},
	}
	cmd.Flags().IntVar(&page, "page", 0, "only the page of this `number`, from 1")
	c.addTo(cmd.Flags(), true)
	return cmd
}

// printText writes a file's text. What could steer a terminal is made harmless where one is there.
func (p *program) printText(ctx context.Context, c *client.Client, f *api.File, page int) error {
	out := p.out
	if p.outTerminal {
		out = &terminalText{out: p.out}
	}
	if page > 0 {
		found, err := c.Page(ctx, f.ID, page)
		if err == nil && found.Text != nil {
			_, err = io.WriteString(out, *found.Text+"\n")
		}
		return err
	}
	text, err := c.Text(ctx, f.ID, client.ContentOptions{})
	if err != nil {
		return err
	}
	defer text.Body.Close()
	_, err = io.Copy(out, text.Body)
	return err
}

// waiter looks at files until their processing is over, and tells on standard error what is being done.
type waiter struct {
	*program
	client *client.Client

	lock     sync.Locker // over the output; nil: nobody else writes
	progress *progress   // nil: none
}

// The states at which processing is over.
const (
	statusProcessed = "processed"
	statusError     = "error"
)

// The pauses between two looks at a file that is being processed.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = time.Second
)

// wait gives the file as it is when its processing is over.
func (w *waiter) wait(ctx context.Context, f *api.File) (*api.File, error) {
	told := ""
	for pause := firstPause; f.Status != statusProcessed && f.Status != statusError; pause = min(pause*3/2, lastPause) {
		if state := f.Filename + ": " + f.Status + " " + details(f); state != told {
			told = state
			w.say(clean(state))
		}
		select {
		case <-ctx.Done():
			return f, ctx.Err()
		case <-time.After(pause):
		}
		next, err := w.client.Get(ctx, f.ID)
		if err != nil {
			return f, err
		}
		f = next
	}
	return f, nil
}

func (w *waiter) say(line string) {
	if w.lock != nil {
		w.lock.Lock()
		defer w.lock.Unlock()
	}
	w.progress.print(w.err, w.errTerminal, line+"\n")
}

// details is what the file's status is about, for people.
func details(f *api.File) string {
	switch {
	case f.StatusDetails != nil:
		return *f.StatusDetails
	case f.Error != nil:
		return f.Error.Message
	}
	return ""
}
