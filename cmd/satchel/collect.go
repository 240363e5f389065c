package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// item is one file that is to be uploaded.
type item struct {
	path string // as people named it, for messages
	name string // that the server stores
	size int64  // bytes; -1: unknown
	err  error  // why it cannot be uploaded; nil: nothing is known against it
}

const standardInput = "-"

// collect gives the files that the arguments name, and those in folders with --recursive.
func (p *program) collect(args []string, o *putOptions) ([]item, error) {
	if o.name != "" && len(args) > 1 {
		return nil, usagef("--name goes with one file, not with %d", len(args))
	}
	var items []item
	var faults []error
	for _, arg := range args {
		found, err := p.collectOne(arg, o)
		items = append(items, found...)
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, &usageError{err}
	}
	if o.name != "" {
		items[0].name = o.name
	}
	return items, nil
}

func (p *program) collectOne(path string, o *putOptions) ([]item, error) {
	if path == standardInput {
		return collectInput(o)
	}
	info, err := os.Stat(path)
	if err != nil {
		return []item{{path: path, err: cause(err)}}, nil
	}
	if !info.IsDir() {
		return []item{newItem(path, info)}, nil
	}
	if !o.recursive {
		return nil, usagef("%s is a folder; -r uploads all files in it", path)
	}
	if o.name != "" {
		return nil, usagef("--name goes with one file, not with the folder %s", path)
	}
	items := p.collectFolder(path)
	if len(items) == 0 {
		return nil, usagef("there are no files in %s", path)
	}
	return items, nil
}

// cause leaves the path out of an error of the file system: messages begin with it.
func cause(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

func collectInput(o *putOptions) ([]item, error) {
	switch {
	case o.name == "":
		return nil, usagef("standard input needs a --name")
	case o.skipExisting:
		return nil, usagef("--skip-existing does not go with standard input: it would have to be read twice")
	}
	return []item{{path: standardInput, name: o.name, size: -1}}, nil
}

// collectFolder walks a folder in lexical order. What cannot be looked at becomes an item that fails, so that the rest is still
// uploaded.
func (p *program) collectFolder(folder string) []item {
	var items []item
	inside := folder + string(filepath.Separator) // also where the folder that people named is a link
	_ = filepath.WalkDir(inside, func(path string, entry fs.DirEntry, err error) error {
		switch found, statErr := p.collectEntry(path, entry, err); {
		case statErr != nil:
			items = append(items, item{path: filepath.Clean(path), err: statErr})
		case found != nil:
			items = append(items, *found)
		}
		return nil
	})
	return items
}

// collectEntry gives the file that stands at a path of a walk. Links to files are followed. Links to folders, and what is neither
// file nor folder, are left out, which is said.
func (p *program) collectEntry(path string, entry fs.DirEntry, err error) (*item, error) {
	if err != nil {
		return nil, cause(err)
	}
	info, err := os.Stat(path)
	isLink := entry.Type()&fs.ModeSymlink != 0
	switch {
	case err != nil && isLink && errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("it is a link to something that is not there")
	case err != nil:
		return nil, cause(err)
	case info.Mode().IsRegular():
		found := newItem(path, info)
		return &found, nil
	case info.IsDir() && isLink:
		p.sayf("satchel: %s is left out: it is a link to a folder\n", clean(path))
	case !info.IsDir():
		p.sayf("satchel: %s is left out: it is neither a file nor a folder\n", clean(path))
	}
	return nil, nil
}

func newItem(path string, info fs.FileInfo) item {
	size := info.Size()
	if !info.Mode().IsRegular() {
		size = -1
	}
	return item{path: path, name: filepath.Base(path), size: size}
}

// open gives the item's bytes, and tells the progress of those that are read.
func (p *program) open(i item, g *progress) (io.ReadCloser, int64, error) {
	if i.path == standardInput {
		return &counted{ReadSeeker: stream{p.in}, progress: g}, -1, nil
	}
	if i.err != nil {
		return nil, 0, i.err
	}
	file, err := os.Open(i.path)
	if err != nil {
		return nil, 0, cause(err)
	}
	size := i.size
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	return &counted{ReadSeeker: file, closer: file, progress: g}, size, nil
}
