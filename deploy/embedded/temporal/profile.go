package temporal

import (
	"time"

	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
)

const (
	// historyShards is fixed for the life of the data. Four keep two to eight cores busy; each costs memory and polling.
	historyShards = 4
	// Each of the four services opens its own pools, so this is at most 4 x (20 + 5) of Postgres' connections.
	mainConns, visibilityConns = 20, 5
	// noLimit is a rate per second that one machine never reaches.
	noLimit = 1_000_000
)

// endpoints are the ports of the four services.
type endpoints struct{ frontend, history, matching, worker int }

// serverConfig wires the four services to each other and to Postgres.
func serverConfig(c Config, main, visibility database, ports endpoints) *config.Config {
	frontendAddress := c.reachable(ports.frontend)
	disabled := config.Archival{
		History:    config.HistoryArchival{State: "disabled"},
		Visibility: config.VisibilityArchival{State: "disabled"},
	}
	cfg := &config.Config{
		Persistence: config.Persistence{
			DefaultStore:     "main",
			VisibilityStore:  "visibility",
			NumHistoryShards: historyShards,
			DataStores: map[string]config.DataStore{
				"main":       {SQL: main.connection(mainConns)},
				"visibility": {SQL: visibility.connection(visibilityConns)},
			},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontendAddress},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services: map[string]config.Service{
			string(primitives.FrontendService): service(c.Host, ports.frontend),
			string(primitives.HistoryService):  service(loopback, ports.history),
			string(primitives.MatchingService): service(loopback, ports.matching),
			string(primitives.WorkerService):   service(loopback, ports.worker),
		},
		Archival:     disabled,
		PublicClient: config.PublicClient{HostPort: frontendAddress},
	}
	cfg.NamespaceDefaults.Archival.History.State = "disabled"
	cfg.NamespaceDefaults.Archival.Visibility.State = "disabled"
	cfg.Global.Membership = config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: loopback}
	return cfg
}

func service(host string, port int) config.Service {
	return config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: host}}
}

// hosts tells every service where the others are, so that no membership protocol is needed.
func hosts(c Config, ports endpoints) map[primitives.ServiceName]static.Hosts {
	local := func(port int) static.Hosts { return static.SingleLocalHost(Config{Host: loopback}.reachable(port)) }
	return map[primitives.ServiceName]static.Hosts{
		primitives.FrontendService: static.SingleLocalHost(c.reachable(ports.frontend)),
		primitives.HistoryService:  local(ports.history),
		primitives.MatchingService: local(ports.matching),
		primitives.WorkerService:   local(ports.worker),
	}
}

// profile sets the server up for one machine: rates are limited by the machine and not by quotas made for shared
// clusters, and caches are small enough to leave memory to Postgres.
func profile() dynamicconfig.StaticClient {
	settings := dynamicconfig.StaticClient{
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
		dynamicconfig.HistoryCacheHostLevelMaxSize.Key():        4096,
		dynamicconfig.EnableHostLevelEventsCache.Key():          true,
		dynamicconfig.EventsHostLevelCacheMaxSizeBytes.Key():    32 << 20,
		dynamicconfig.NamespaceCacheRefreshInterval.Key():       time.Second,
	}
	for _, key := range []dynamicconfig.Key{
		dynamicconfig.FrontendRPS.Key(),
		dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key(),
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(),
		dynamicconfig.FrontendMaxConcurrentLongRunningRequestsPerInstance.Key(),
		dynamicconfig.FrontendPersistenceMaxQPS.Key(),
		dynamicconfig.HistoryRPS.Key(),
		dynamicconfig.HistoryPersistenceMaxQPS.Key(),
		dynamicconfig.MatchingRPS.Key(),
		dynamicconfig.MatchingPersistenceMaxQPS.Key(),
		dynamicconfig.VisibilityPersistenceMaxReadQPS.Key(),
		dynamicconfig.VisibilityPersistenceMaxWriteQPS.Key(),
	} {
		settings[key] = noLimit
	}
	return settings
}
