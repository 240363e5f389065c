package sqlstore

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/satchel-files/satchel"
)

// What a file is found by stands in the table attributes, one row a value: path says where the value stands, value is the value in
// an encoding whose order, byte by byte, is the order of the values. The encoding may lose the end of a value, never its place in the
// order, so whoever looks here checks again in Go what was found.
//
// A path is the keys from the top, with a separator between them that no key can have. Arrays do not show in it: each item stands
// at its array's path. Besides every scalar there is a row for every array and object, which only says that one is there.

const (
	pathSeparator  = "\x1f"
	maxStringValue = 128 // bytes of a string that are encoded
)

// The paths of what is not metadata begin with the separator, as no metadata path does.
const (
	filenamePath = pathSeparator + "filename"
	purposePath  = pathSeparator + "purpose"
	sha256Path   = pathSeparator + "sha256"
)

// The first byte of an encoded value is its type.
const (
	tagNull   = 0x10
	tagFalse  = 0x20
	tagTrue   = 0x21
	tagNumber = 0x30
	tagString = 0x40
	tagArray  = 0x50
	tagObject = 0x60
)

// attribute is a row of the table, without its file; value is encoded.
type attribute struct{ path, value string }

// attributeSet is the attributes of one file.
type attributeSet map[attribute]struct{}

// attributesOf gives everything that the file is found by.
func attributesOf(f *satchel.File) attributeSet {
	set := attributeSet{
		{filenamePath, encodeString(f.Filename)}:                {},
		{purposePath, encodeString(string(f.Purpose))}:          {},
		{sha256Path, encodeString(string(f.Content.SHA256[:]))}: {},
	}
	set.addObject("", f.Metadata.Object())
	return set
}

func (s attributeSet) addObject(path string, object map[string]any) {
	for key, value := range object {
		s.add(joinPath(path, key), value)
	}
}

func (s attributeSet) add(path string, value any) {
	s[attribute{path, encodeValue(value)}] = struct{}{}
	switch value := value.(type) {
	case map[string]any:
		s.addObject(path, value)
	case []any:
		for _, item := range value {
			s.add(path, item)
		}
	}
}

// without gives the attributes that other does not have.
func (s attributeSet) without(other attributeSet) []attribute {
	var rest []attribute
	for a := range s {
		if _, both := other[a]; !both {
			rest = append(rest, a)
		}
	}
	return rest
}

func joinPath(path, key string) string {
	if path == "" {
		return key
	}
	return path + pathSeparator + key
}

// encodeValue encodes a JSON value: null before false before true before numbers before strings; containers come last, without what
// they contain.
func encodeValue(value any) string {
	switch value := value.(type) {
	case nil:
		return string([]byte{tagNull})
	case bool:
		if value {
			return string([]byte{tagTrue})
		}
		return string([]byte{tagFalse})
	case json.Number:
		return encodeNumber(value)
	case string:
		return encodeString(value)
	case []any:
		return string([]byte{tagArray})
	default:
		return string([]byte{tagObject})
	}
}

// encodeNumber encodes the nearest float64; what is beyond all of them is infinite.
func encodeNumber(n json.Number) string {
	number, _ := strconv.ParseFloat(n.String(), 64) // out of range gives ±Inf or 0
	if number == 0 {
		number = 0 // −0 is 0
	}
	bits := math.Float64bits(number)
	if bits>>63 == 1 {
		bits = ^bits // the more negative, the smaller
	} else {
		bits |= 1 << 63 // above all negative ones
	}
	return string(binary.BigEndian.AppendUint64([]byte{tagNumber}, bits))
}

func encodeString(s string) string {
	return string(rune(tagString)) + s[:min(len(s), maxStringValue)]
}

// attributeTexts are the statements that change attributes, by the number of rows that they take: few, so that few are prepared.
type attributeTexts struct{ insert, remove map[int]string }

func attributeChunks() []int { return []int{64, 16, 4, 1} }

func newAttributeTexts(d dialect) attributeTexts {
	t := attributeTexts{insert: map[int]string{}, remove: map[int]string{}}
	for _, size := range attributeChunks() {
		t.insert[size] = `INSERT INTO attributes (org_id, workspace_id, path, value, file_id) VALUES ` + repeated(`($1, $2, $%d, $%d, $3)`, size)
		t.remove[size] = `DELETE FROM attributes WHERE org_id = $1 AND workspace_id = $2 AND file_id = $3 AND (path, value) IN (VALUES ` +
			repeated(`($%d, `+d.bytes+`)`, size) + `)`
	}
	return t
}

// repeated gives n rows of two placeholders each, from $4 on.
func repeated(row string, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(row, 4+2*i, 5+2*i)
	}
	return strings.Join(all, ", ")
}

// changeAttributes runs insert or remove for all of a file's attributes that are given.
func changeAttributes(ctx context.Context, u unit, texts map[int]string, scope satchel.Scope, id satchel.FileID, all []attribute) error {
	for _, size := range attributeChunks() {
		for ; len(all) >= size; all = all[size:] {
			args := make([]any, 0, 3+2*size)
			args = append(args, string(scope.Org), string(scope.Workspace), string(id))
			for _, a := range all[:size] {
				args = append(args, a.path, []byte(a.value))
			}
			if err := u.later(ctx, isDone("changing attributes"), texts[size], args...); err != nil {
				return err
			}
		}
	}
	return nil
}
