package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/satchel-files/satchel"
)

// A list with conditions is found through the attributes. Each condition asks for probes: values that must stand at a path in every
// file that meets it. The rarest probe gives the ids, in their order; the others are looked up for each id; the files that remain are
// read and checked.

const (
	maxProbes     = 32   // more would cost more than they save: the files are checked anyway
	maxLookups    = 4    // probes that are looked up for every id, besides the one that gives the ids
	fewMatches    = 50   // with so few, it does not matter which other probe is rarer
	countLimit    = 1000 // how far is counted to find the rarest
	minIDsPerStep = 100  // ids that are fetched at once, at least and at most
	maxIDsPerStep = 1000
	filesPerQuery = 100
)

// probe is a path at which one of the encoded values must stand: one value, or two when text may mean a number or a truth value.
type probe struct {
	path   string
	values []string
}

// probesOf gives what every file that q wants must have, without repetitions. None: q has no conditions that say anything.
func probesOf(q satchel.Query) []probe {
	var s probeSet
	if q.Filename != "" {
		s.add(filenamePath, encodeString(q.Filename))
	}
	if q.SHA256 != nil {
		s.add(sha256Path, encodeString(string(q.SHA256[:])))
	}
	for _, condition := range q.Metadata {
		path := strings.Join(condition.Path, pathSeparator)
		if text, isString := condition.Value.(string); isString && condition.Text {
			s.add(path, textValues(text)...)
		} else {
			s.addValue(path, condition.Value)
		}
	}
	if q.Purpose != "" {
		s.add(purposePath, encodeString(string(q.Purpose)))
	}
	return s.probes[:min(len(s.probes), maxProbes)]
}

type probeSet struct{ probes []probe }

func (s *probeSet) add(path string, values ...string) {
	for _, have := range s.probes {
		if have.path == path && slices.Equal(have.values, values) {
			return
		}
	}
	s.probes = append(s.probes, probe{path, values})
}

// addValue asks for all the scalars in value, and for containers without content.
func (s *probeSet) addValue(path string, value any) {
	switch value := value.(type) {
	case map[string]any:
		if len(value) == 0 && path != "" { // the metadata itself is always an object
			s.add(path, encodeValue(value))
		}
		for key, inner := range value {
			s.addValue(joinPath(path, key), inner)
		}
	case []any:
		if len(value) == 0 {
			s.add(path, encodeValue(value))
		}
		for _, item := range value {
			s.addValue(path, item)
		}
	default:
		s.add(path, encodeValue(value))
	}
}

// textValues gives the encodings of all the scalars that are written like text.
func textValues(text string) []string {
	values := []string{encodeString(text)}
	switch {
	case text == "true" || text == "false":
		values = append(values, encodeValue(text == "true"))
	case isNumber(text):
		values = append(values, encodeNumber(json.Number(text)))
	}
	return values
}

// isNumber tells whether text is a JSON number. (null has no text.)
func isNumber(text string) bool {
	if text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return false
	}
	return json.Valid([]byte(text)) && !strings.ContainsAny(text, " \t\r\n")
}

// walkFound makes the page of a list with probes.
func (l *listing) walkFound(ctx context.Context) error {
	position := l.position()
	probes, err := l.rarestFirst(ctx, position)
	if err != nil || probes == nil {
		return err
	}
	step := min(max(l.query.Limit+1, minIDsPerStep), maxIDsPerStep)
	for {
		ids, err := l.idsBehind(ctx, probes, position, step)
		if err != nil {
			return err
		}
		for chunk := range slices.Chunk(ids, filesPerQuery) {
			if full, err := l.addFiles(ctx, chunk); err != nil || full {
				return err
			}
		}
		if len(ids) < step {
			return nil
		}
		position = ids[len(ids)-1]
		step = maxIDsPerStep
	}
}

// rarestFirst brings the probe with the fewest ids behind position to the front. It gives nil when one has none at all.
func (l *listing) rarestFirst(ctx context.Context, position string) ([]probe, error) {
	if len(l.probes) == 1 {
		return l.probes, nil
	}
	probes := slices.Clone(l.probes)
	for _, limit := range []int{fewMatches, countLimit} {
		rarest, fewest := 0, limit
		for i, p := range probes {
			count, err := l.count(ctx, p, position, fewest)
			if err != nil {
				return nil, err
			}
			if count == 0 {
				return nil, nil
			}
			if count < fewest {
				rarest, fewest = i, count
			}
		}
		probes[0], probes[rarest] = probes[rarest], probes[0]
		if fewest < limit {
			break
		}
	}
	return probes[:min(len(probes), 1+maxLookups)], nil
}

const countValue = `SELECT COUNT(*) FROM (SELECT 1 FROM attributes a WHERE a.org_id = $1 AND a.workspace_id = $2 AND a.path = $3
	AND a.value = $4 AND a.file_id BEYOND $5 LIMIT $6) AS found`

// count gives the number of ids behind position at which p holds, or limit if there are more.
func (l *listing) count(ctx context.Context, p probe, position string, limit int) (int, error) {
	total := 0
	for _, value := range p.values {
		var count integer
		err := l.q.get(ctx, []any{&count}, l.ordered(countValue), string(l.scope.Org), string(l.scope.Workspace), p.path, []byte(value), position, limit)
		if err != nil {
			return 0, err
		}
		total += int(count)
	}
	return min(total, limit), nil
}

// idsBehind gives at most limit ids behind position at which all probes hold, in order.
func (l *listing) idsBehind(ctx context.Context, probes []probe, position string, limit int) ([]string, error) {
	args := []any{string(l.scope.Org), string(l.scope.Workspace), position, limit}
	var lookups strings.Builder
	for _, p := range probes[1:] {
		args = append(args, p.path)
		fmt.Fprintf(&lookups, lookup, len(args), placeholders(len(args)+1, len(p.values)))
		args = appendValues(args, p)
	}
	args = append(args, probes[0].path)
	path := len(args)
	args = appendValues(args, probes[0])
	var alternatives []string
	for i := range probes[0].values {
		alternatives = append(alternatives, fmt.Sprintf(selectIDs, path, path+1+i)+lookups.String())
	}
	text := strings.Join(alternatives, ` UNION `) + ` ORDER BY 1 DIRECTION LIMIT $4`
	return collect(ctx, l.q, scanOne[string], l.ordered(text), args...)
}

func appendValues(args []any, p probe) []any {
	for _, value := range p.values {
		args = append(args, []byte(value))
	}
	return args
}

const (
	selectIDs = `SELECT a.file_id FROM attributes a WHERE a.org_id = $1 AND a.workspace_id = $2 AND a.path = $%d AND a.value = $%d AND a.file_id BEYOND $3`
	lookup    = ` AND EXISTS (SELECT 1 FROM attributes b WHERE b.org_id = $1 AND b.workspace_id = $2 AND b.path = $%d AND b.value IN (%s) AND b.file_id = a.file_id)`
)

// addFiles reads the files with these ids and adds them in the order of the ids. full: the page is complete.
func (l *listing) addFiles(ctx context.Context, ids []string) (full bool, err error) {
	size := filesPerQuery
	if len(ids) <= filesPerQuery/10 {
		size = filesPerQuery / 10
	}
	text := `SELECT ` + fileColumns + ` FROM files f WHERE f.org_id = $1 AND f.workspace_id = $2 AND f.id IN (` + placeholders(3, size) + `)`
	args := append([]any{string(l.scope.Org), string(l.scope.Workspace)}, padded(ids, size)...)
	files := make(map[string]*satchel.File, len(ids))
	err = l.eachFile(ctx, func(f *satchel.File) bool {
		files[string(f.ID)] = f
		return true
	}, text, args...)
	if err != nil {
		return false, err
	}
	for _, id := range ids {
		if f := files[id]; f != nil && !l.add(f) { // one that is missing was deleted meanwhile
			return true, nil
		}
	}
	return false, nil
}
