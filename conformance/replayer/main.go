// Command replayer has the real Go SDK replay histories, and says of each whether it accepts it.
//
//	replayer FILE-OR-FOLDER...
//
// One line per history: "accepted", "refused" and why, or "nothing" (to replay), with tabs between. The SDK accepts a history when the workflow's
// code asks for the commands that the history has. Beyond that a history that ends with a result has to end with the one
// that the code comes to. Exit code: 0 when all are accepted, 1 when one is not, 2 when there is nothing to read.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

func main() {
	flag.Usage = func() { fmt.Fprintln(flag.CommandLine.Output(), "usage: replayer FILE-OR-FOLDER...") }
	flag.Parse()
	files, err := find(flag.Args())
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("there is no history; expected files or folders with histories in JSON")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "replayer:", err)
		os.Exit(2)
	}
	if refused := print(files, replayAll(files)); refused > 0 {
		os.Exit(1)
	}
}

// find lists the histories: files as named, folders with everything below them but the descriptions of cases.
func find(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		err = filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && filepath.Ext(file) == ".json" && entry.Name() != "case.json" {
				files = append(files, file)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(files)
	return files, nil
}

// replayAll gives the error of each file, nil for one that is accepted.
func replayAll(files []string) []error {
	errs := make([]error, len(files))
	next := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for i := range next {
				errs[i] = replay(files[i])
			}
		}()
	}
	for i := range files {
		next <- i
	}
	close(next)
	workers.Wait()
	return errs
}

// print writes a line per history and a last one to the error output; it returns how many were refused.
func print(files []string, errs []error) int {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	refused, nothing := 0, 0
	for i, file := range files {
		if errs[i] == nil {
			fmt.Fprintf(out, "accepted\t%s\n", file)
			continue
		}
		if errs[i] == errNothing {
			fmt.Fprintf(out, "nothing\t%s\t%s\n", file, errNothing)
			nothing++
			continue
		}
		refused++
		fmt.Fprintf(out, "refused\t%s\t%s\n", file, strings.Join(strings.Fields(errs[i].Error()), " "))
	}
	fmt.Fprintf(os.Stderr, "%d accepted, %d refused, %d with nothing to replay\n", len(files)-refused-nothing, refused, nothing)
	return refused
}
