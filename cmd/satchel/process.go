package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
)

func (p *program) processCommand() *cobra.Command {
	var c connection
	var instructions, schema string
	var wait bool
	cmd := &cobra.Command{
		Use: "process ID", Short: "Read a file again, and carry out its instructions", Args: named,
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
			if err != nil {
				return err
			}
			return p.process(cmd.Context(), client, f, request, wait)
		},
	}
	cmd.Flags().StringVar(&instructions, "instructions", "", "`text` in the place of the file's own; empty: none from now on")
	cmd.Flags().StringVar(&schema, "schema", "", "JSON Schema that binds the model, or the `file` it is in")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until the file is processed, show the steps, and fail if that fails")
	c.addTo(cmd.Flags(), true)
	return cmd
}

func (p *program) process(ctx context.Context, c *client.Client, f *api.File, request api.ProcessRequest, wait bool) error {
	started, err := c.Process(ctx, f.ID, request, 0)
	if err != nil {
		return err
	}
	if !wait {
		p.printState(started.File)
		return nil
	}
	run, err := (&waiter{program: p, client: c}).run(ctx, f, started.Run)
	if err == nil {
		f, err = c.Get(ctx, f.ID)
	}
	if err != nil {
		return err
	}
	p.printState(f)
	p.remark(run)
	if err := outcome("processing", run); err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.out, pretty(f.Metadata))
	return err
}

// printState prints a file with its status.
func (p *program) printState(f *api.File) {
	p.printf("%s  %s  %s\n", clean(f.ID), clean(f.Status), clean(f.Filename))
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
		Use: "cancel ID", Short: "Stop the processing of a file", Args: named,
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
			p.printState(f)
			return nil
		},
	}
	c.addTo(cmd.Flags(), true)
	return cmd
}

func (p *program) textCommand() *cobra.Command {
	var c connection
	var page int
	cmd := &cobra.Command{
		Use: "text ID", Short: "Print the text that was found in a file", Args: named,
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
	var text io.Reader
	if page > 0 {
		found, err := c.Page(ctx, f.ID, page)
		if err != nil {
			return err
		}
		text = strings.NewReader(strings.TrimSuffix(*cmp.Or(found.Text, new(string)), "\n") + "\n")
	} else {
		whole, err := c.Text(ctx, f.ID, client.ContentOptions{})
		if err != nil {
			return err
		}
		defer whole.Body.Close()
		text = whole.Body
	}
	if !p.outTerminal {
		_, err := io.Copy(p.out, text)
		return err
	}
	screen := &terminalText{out: p.out}
	_, err := io.Copy(screen, text)
	return cmp.Or(err, screen.end())
}

// details is what the file's status is about, for people; empty: nothing.
func details(f *api.File) string {
	switch {
	case f.Error != nil:
		return f.Error.Message
	case f.StatusDetails != nil:
		return *f.StatusDetails
	}
	return ""
}
