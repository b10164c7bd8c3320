// Command server runs a real Temporal server in one process, on loopback, with its state in SQLite.
//
// By default the state is in memory and gone with the process. With -db it is in a file, so that a server that was killed
// can be started again on the same -port and go on.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"
	tlog "go.temporal.io/sdk/log"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/headers"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/testing/freeport"
	schema "go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
)

const (
	loopback  = "127.0.0.1"
	namespace = "default"
	cell      = "active"
)

func main() {
	addressFile := flag.String("address-file", "", "file that receives HOST:PORT once the server answers")
	port := flag.Int("port", 0, "the frontend's port; 0: any that is free")
	shards := flag.Int("shards", 1, "history shards")
	db := flag.String("db", "", "SQLite file that keeps the state; empty: in memory")
	parent := flag.Int("parent", 0, "process to end with: the one that started this one; 0: none")
	version := flag.Bool("version", false, "print the server's version and exit")
	flag.Parse()
	if *version {
		fmt.Println(headers.ServerVersion)
		return
	}
	err := endWith(*parent)
	if err == nil {
		err = serve(*port, *shards, *db, *addressFile)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

func serve(port, shards int, db, addressFile string) error {
	if shards < 1 {
		return fmt.Errorf("-shards is %d; expected at least 1", shards)
	}
	if port == 0 {
		port = freeport.MustGetFreePort()
	}
	if err := isFree(port); err != nil {
		return err
	}
	ports, err := portsOf(db)
	if err != nil {
		return err
	}
	cfg := configuration(port, shards, db, ports)
	if err := prepare(cfg, db); err != nil {
		return err
	}
	claims, err := authorization.GetClaimMapperFromConfig(&cfg.Global.Authorization, log.NewNoopLogger())
	if err != nil {
		return err
	}
	server, err := temporal.NewServer(
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithLogger(log.NewNoopLogger()),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return claims }),
		// Visibility's search attributes are created while the server runs; without this the first seconds do not see them.
		temporal.WithDynamicConfigClient(dynamicconfig.StaticClient{
			dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): []dynamicconfig.ConstrainedValue{{Value: true}},
		}),
	)
	if err != nil {
		return fmt.Errorf("cannot make the server: %w", err)
	}
	if err := server.Start(); err != nil {
		return fmt.Errorf("cannot start the server: %w", err)
	}
	address := fmt.Sprintf("%s:%d", loopback, port)
	if err := answers(address, time.Minute); err != nil {
		return err
	}
	if addressFile != "" {
		if err := os.WriteFile(addressFile, []byte(address), 0o644); err != nil {
			return err
		}
	}
	fmt.Println(address)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
	return server.Stop()
}

// isFree says so when another process has the port: the server itself would not, it goes on without.
func isFree(port int) error {
	listener, err := net.Listen("tcp", fmt.Sprintf("%s:%d", loopback, port))
	if err != nil {
		return fmt.Errorf("the frontend cannot listen: %w", err)
	}
	return listener.Close()
}

// prepare makes the schema of a new file, and the namespace.
func prepare(cfg *config.Config, db string) error {
	store := cfg.Persistence.DataStores[sqlite.PluginName].SQL
	if db != "" {
		_, err := os.Stat(db)
		switch {
		case os.IsNotExist(err):
			if err := os.MkdirAll(filepath.Dir(db), fs.ModePerm); err != nil {
				return err
			}
			if err := schema.SetupSchema(store); err != nil {
				return fmt.Errorf("cannot make the schema in %s: %w", db, err)
			}
		case err != nil:
			return err
		}
	}
	ns, err := schema.NewNamespaceConfig(cell, namespace, false, nil)
	if err != nil {
		return err
	}
	return schema.CreateNamespaces(store, ns)
}

// answers waits until the frontend serves the namespace: ports open some time before.
func answers(address string, atMost time.Duration) error {
	deadline := time.Now().Add(atMost)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		c, err := client.DialContext(ctx, client.Options{HostPort: address, Namespace: namespace, Logger: quiet{}})
		if err == nil {
			_, err = c.WorkflowService().DescribeTaskQueue(ctx, describeRequest())
			c.Close()
		}
		cancel()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no answer on %s within %s: %w", address, atMost, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// portsOf gives ports for the server's parts, one after the other. Those of a server with a file are kept beside it: the
// members of a cluster know each other by their ports, and look for those of the last start.
func portsOf(db string) (func() int, error) {
	if db == "" {
		return freeport.MustGetFreePort, nil
	}
	var ports []int
	file := db + ".ports"
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &ports)
	} else if os.IsNotExist(err) {
		for range 9 {
			ports = append(ports, freeport.MustGetFreePort())
		}
		if text, err = json.Marshal(ports); err == nil {
			if err = os.MkdirAll(filepath.Dir(db), fs.ModePerm); err == nil {
				err = os.WriteFile(file, text, 0o644)
			}
		}
	}
	next := -1
	return func() int { next++; return ports[next] }, err
}

func configuration(port, shards int, db string, free func() int) *config.Config {
	store := &config.SQL{PluginName: sqlite.PluginName, DatabaseName: db, ConnectAttributes: map[string]string{"mode": "rwc"}}
	if db == "" {
		store.DatabaseName = "conformance"
		store.ConnectAttributes = map[string]string{"mode": "memory", "cache": "shared"}
	}
	frontend := fmt.Sprintf("%s:%d", loopback, port)
	service := func(port int) config.Service {
		return config.Service{RPC: config.RPC{GRPCPort: port, MembershipPort: free(), BindOnLocalHost: true}}
	}
	return &config.Config{
		Global: config.Global{
			Membership: config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: loopback},
			Metrics: &metrics.Config{
				Prometheus: &metrics.PrometheusConfig{ListenAddress: fmt.Sprintf("%s:%d", loopback, free()), HandlerPath: "/metrics"},
			},
			PProf: config.PProf{Port: free(), Host: loopback},
		},
		Persistence: config.Persistence{
			DefaultStore:     sqlite.PluginName,
			VisibilityStore:  sqlite.PluginName,
			NumHistoryShards: int32(shards),
			DataStores:       map[string]config.DataStore{sqlite.PluginName: {SQL: store}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        cell,
			CurrentClusterName:       cell,
			ClusterInformation:       map[string]cluster.ClusterInformation{cell: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend}},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services: map[string]config.Service{
			"frontend": service(port), "history": service(free()), "matching": service(free()), "worker": service(free()),
		},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
		PublicClient: config.PublicClient{HostPort: frontend},
	}
}

// quiet drops what the client that waits for the server would log.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

var _ tlog.Logger = quiet{}
