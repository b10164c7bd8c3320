package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
)

// rule is a fault of single calls, as the rules file has it.
type rule struct {
	ID     string `json:"id"`
	Method string `json:"method"`
	// Match has to occur in the request's text, when there is one.
	Match string `json:"match"`
	Queue string `json:"queue"`
	// Mode: lose_request, lose_response, delay_request, delay_response or error.
	Mode string `json:"mode"`
	// Skip is how many calls it lets pass first, Count how many it hits then; 0: all.
	Skip  int `json:"skip"`
	Count int `json:"count"`
	// BlockMS is how long the caller waits: a lost call until it notices, or with 0 until its deadline.
	BlockMS int    `json:"block_ms"`
	Code    string `json:"code"`
}

// rules are those that hold now: the file is read at every call, so that it can change while the worker runs. How many calls
// each has met is kept beside it: a rule is about the machine's calls, and counts on when the worker is started again.
type rules struct {
	file string
	mu   sync.Mutex
	used map[string]int
}

// openRules goes on with what an earlier start of the worker has counted.
func openRules(file string) (*rules, error) {
	r := &rules{file: file, used: map[string]int{}}
	text, err := os.ReadFile(r.usedFile())
	if os.IsNotExist(err) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &r.used)
	}
	if err != nil {
		return nil, fmt.Errorf("what was counted of the rules cannot be read: %w", err)
	}
	return r, nil
}

func (r *rules) usedFile() string { return r.file + ".used" }

// keep writes what was counted. The process may be killed at any moment, so the old file is there until the new one is whole.
func (r *rules) keep() {
	text, err := json.Marshal(r.used)
	if err == nil {
		if err = os.WriteFile(r.usedFile()+".new", text, 0o644); err == nil {
			err = os.Rename(r.usedFile()+".new", r.usedFile())
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker: what was counted of the rules cannot be written:", err)
	}
}

// pick counts a call against the rules that it fits, and gives the first that hits it; nil when none does.
func (r *rules) pick(method, queue string, request any) *rule {
	if r.file == "" {
		return nil
	}
	text, err := os.ReadFile(r.file)
	if err != nil {
		return nil
	}
	var all []rule
	if err := json.Unmarshal(text, &all); err != nil {
		// The file is replaced as a whole, so this is a mistake of whoever wrote it.
		fmt.Fprintln(os.Stderr, "worker: the rules cannot be read:", err)
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range all {
		one := &all[i]
		if !one.fits(method, queue, request) {
			continue
		}
		r.used[one.ID]++
		r.keep()
		number := r.used[one.ID] - one.Skip
		if number > 0 && (one.Count == 0 || number <= one.Count) {
			return one
		}
	}
	return nil
}

func (r *rule) fits(method, queue string, request any) bool {
	if r.Method != "" && r.Method != method {
		return false
	}
	if r.Queue != "" && r.Queue != queue && !(r.Queue == "session" && strings.Contains(queue, "@")) {
		return false
	}
	return r.Match == "" || strings.Contains(fmt.Sprint(request), r.Match)
}
