package documents

import (
	"testing"
)

// notPictures are files that are called pictures and are none.
func notPictures() map[string]bool {
	return map[string]bool{"piexif/tests/images/notjpeg.jpg": true}
}

func TestPicturesHaveASize(t *testing.T) {
	var paths []string
	for _, p := range corpus(t) {
		switch ending(p) {
		case "jpg", "jpeg", "png", "gif", "tif", "tiff":
			paths = append(paths, p)
		}
	}
	described := 0
	for p, r := range readAll(t, openExtractor(t), paths) {
		if notPictures()[p] {
			continue
		}
		if r.err != nil || r.document.Width < 1 || r.document.Height < 1 {
			t.Errorf("%s: %d × %d, %v", p, r.document.Width, r.document.Height, r.err)
		}
		if len(r.document.Properties) > 0 {
			described++
		}
	}
	if described < 8 {
		t.Errorf("%d pictures of %d say more of themselves than their size", described, len(paths))
	}
}
