package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/satchel-files/satchel/api"
)

func (p *program) getCommand() *cobra.Command {
	var c connection
	var output string
	var force bool
	cmd := &cobra.Command{
		Use:   "get ID",
		Short: "Download a file",
		Long: `Download a file under its own name into the current folder, or to where --output says.

The bytes go to NAME.part first. If that is there from an interrupted download, only the rest is
fetched. At the end the SHA-256 is compared, and only then the file gets its name.

` + idHelp,
		Example: "satchel get report.pdf -o /tmp/\nsatchel get report.pdf -o - | pdftotext - -",
		Args:    named,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := p.connect(&c)
			if err != nil {
				return err
			}
			f, err := p.resolve(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			d := &download{program: p, client: client, file: f}
			if output == standardInput {
				return d.toStream(cmd.Context(), p.out)
			}
			return d.toFile(cmd.Context(), target(output, f), force)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "`file` or folder to write to; -: standard output (default: the file's own name)")
	cmd.Flags().BoolVarP(&force, "force", "f", false, "overwrite a file that is there")
	c.addTo(cmd.Flags(), true)
	return cmd
}

// target gives the path to write to.
func target(output string, f *api.File) string {
	info, err := os.Stat(output)
	if output == "" || strings.HasSuffix(output, string(filepath.Separator)) || (err == nil && info.IsDir()) {
		return filepath.Join(output, localName(f))
	}
	return output
}

// maxLocalName leaves room for ".part" in the 255 bytes that file systems give a name.
const maxLocalName = 240

// localName makes a name for this machine of the file's own, which somebody else chose: no folders, nothing hidden, not too long.
func localName(f *api.File) string {
	name := f.Filename[strings.LastIndexAny(f.Filename, `/\`)+1:]
	name = strings.TrimSpace(strings.ReplaceAll(clean(name), string(utf8.RuneError), "_"))
	if strings.Trim(name, ".") == "" {
		return clean(f.ID)
	}
	if len(name) > maxLocalName {
		extension := filepath.Ext(name)
		if len(extension) > 20 {
			extension = ""
		}
		name = strings.ToValidUTF8(name[:maxLocalName-len(extension)], "") + extension
	}
	return name
}

// toFile downloads into a partial file beside path, goes on with one that is there, and names it path when it is whole.
func (d *download) toFile(ctx context.Context, path string, force bool) error {
	if err := free(path, force); err != nil {
		return err
	}
	part := path + ".part"
	file, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o666) //nolint:gosec // a download is as readable as any file: see umask
	if err != nil {
		return err
	}
	err = d.complete(ctx, file)
	if err = errors.Join(err, file.Close()); err != nil {
		if ctx.Err() == nil {
			return err
		}
		d.sayf("%s holds what has arrived; the same command goes on from there.\n", clean(part))
		return err
	}
	if err := free(path, force); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	d.printf("%s  %8s  %s\n", clean(d.file.ID), size(d.file.Bytes), clean(path))
	return nil
}

// free makes sure that nothing is overwritten by chance.
func free(path string, force bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a folder", path)
	case !force:
		return fmt.Errorf("%s is there already; --force overwrites it, -o writes elsewhere", path)
	}
	return nil
}

// complete fetches what is missing in the partial file. If the whole then has another hash, it was a part of something else, and
// is fetched anew.
func (d *download) complete(ctx context.Context, part *os.File) error {
	have, err := d.takeOver(part)
	if err != nil {
		return err
	}
	d.progress = d.newProgress(fit(clean(d.file.Filename), 24), d.file.Bytes)
	defer d.progress.finish()
	d.progress.add(have)
	if err := d.fetch(ctx, part); err != nil {
		return err
	}
	err = d.check()
	if err == nil || have == 0 {
		return err
	}
	d.progress.print(d.err, d.errTerminal, "The partial file was of something else; all is downloaded again.\n")
	d.progress.add(-d.offset)
	if err := d.restart(part); err != nil {
		return err
	}
	if err := d.fetch(ctx, part); err != nil {
		return err
	}
	return d.check()
}

// takeOver hashes what is in the partial file. It gives the number of bytes that need not be fetched.
func (d *download) takeOver(part *os.File) (int64, error) {
	d.reset()
	have, err := io.Copy(d.sum, io.LimitReader(part, d.file.Bytes+1))
	if err != nil {
		return 0, err
	}
	if have > d.file.Bytes {
		return 0, d.restart(part)
	}
	d.offset = have
	return have, nil
}

// restart empties the partial file.
func (d *download) restart(part *os.File) error {
	d.reset()
	if err := part.Truncate(0); err != nil {
		return err
	}
	_, err := part.Seek(0, io.SeekStart)
	return err
}
