//go:build race

package extract

// raceDetector says that every byte needs several more of memory that is not the program's own.
const raceDetector = true
