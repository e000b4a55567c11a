package temporal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	persistencepb "go.temporal.io/server/api/persistence/v1"
	"go.temporal.io/server/common"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/serialization"
	"go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/resolver"
	"go.temporal.io/server/common/searchattribute/sadefs"
	"google.golang.org/protobuf/types/known/durationpb"
)

// prepareNamespace makes the namespace with the search attributes, or adds those it lacks. It writes to the database
// before the server starts: asked through the API, each of the services would learn of it only some seconds later.
func prepareNamespace(ctx context.Context, c Config, d database, logger log.Logger) error {
	serializer := serialization.NewSerializer()
	factory := sql.NewFactory(*d.connection(1), resolver.NewNoopResolver(), clusterName, logger, metrics.NoopMetricsHandler, serializer)
	defer factory.Close()
	store, err := factory.NewMetadataStore()
	if err != nil {
		return fmt.Errorf("open namespaces: %w", err)
	}
	manager := persistence.NewMetadataManagerImpl(store, serializer, logger, clusterName)
	defer manager.Close()

	found, err := manager.GetNamespace(ctx, &persistence.GetNamespaceRequest{Name: c.Namespace})
	if missing := (*serviceerror.NamespaceNotFound)(nil); errors.As(err, &missing) {
		return createNamespace(ctx, manager, c)
	}
	if err != nil {
		return fmt.Errorf("read namespace %s: %w", c.Namespace, err)
	}
	aliases, changed, err := addAliases(found.Namespace.GetConfig().GetCustomSearchAttributeAliases())
	if err != nil || !changed {
		return err
	}
	return updateAliases(ctx, manager, found, aliases)
}

func createNamespace(ctx context.Context, manager persistence.MetadataManager, c Config) error {
	aliases, _, err := addAliases(nil)
	if err != nil {
		return err
	}
	_, err = manager.CreateNamespace(ctx, &persistence.CreateNamespaceRequest{Namespace: &persistencepb.NamespaceDetail{
		Info: &persistencepb.NamespaceInfo{
			Id:          uuid.NewString(),
			Name:        c.Namespace,
			State:       enumspb.NAMESPACE_STATE_REGISTERED,
			Description: "Rapport",
		},
		Config: &persistencepb.NamespaceConfig{
			Retention:                    durationpb.New(c.Retention),
			HistoryArchivalState:         enumspb.ARCHIVAL_STATE_DISABLED,
			VisibilityArchivalState:      enumspb.ARCHIVAL_STATE_DISABLED,
			CustomSearchAttributeAliases: aliases,
		},
		ReplicationConfig: &persistencepb.NamespaceReplicationConfig{
			ActiveClusterName: clusterName,
			Clusters:          []string{clusterName},
		},
		FailoverVersion:             common.EmptyVersion,
		FailoverNotificationVersion: -1,
	}})
	if err != nil {
		return fmt.Errorf("create namespace %s: %w", c.Namespace, err)
	}
	return nil
}

func updateAliases(ctx context.Context, manager persistence.MetadataManager, found *persistence.GetNamespaceResponse, aliases map[string]string) error {
	metadata, err := manager.GetMetadata(ctx)
	if err != nil {
		return fmt.Errorf("read namespace version: %w", err)
	}
	found.Namespace.Config.CustomSearchAttributeAliases = aliases
	found.Namespace.ConfigVersion++
	err = manager.UpdateNamespace(ctx, &persistence.UpdateNamespaceRequest{
		Namespace:           found.Namespace,
		IsGlobalNamespace:   found.IsGlobalNamespace,
		NotificationVersion: metadata.NotificationVersion,
	})
	if err != nil {
		return fmt.Errorf("add search attributes to namespace %s: %w", found.Namespace.GetInfo().GetName(), err)
	}
	return nil
}

// addAliases gives each of Rapport's search attributes that has none a column of the visibility table, and tells
// whether that changed anything. The map is from column to attribute, as the server keeps it.
func addAliases(existing map[string]string) (aliases map[string]string, changed bool, err error) {
	aliases = maps.Clone(existing)
	if aliases == nil {
		aliases = map[string]string{}
	}
	var columns []string
	for column, kind := range sadefs.GetDBIndexSearchAttributes(nil).CustomSearchAttributes {
		if _, used := aliases[column]; kind == enumspb.INDEXED_VALUE_TYPE_KEYWORD && !used {
			columns = append(columns, column)
		}
	}
	slices.Sort(columns)
	named := slices.Collect(maps.Values(aliases))
	for _, attribute := range SearchAttributes() {
		if slices.Contains(named, attribute) {
			continue
		}
		if len(columns) == 0 {
			return nil, false, fmt.Errorf("add search attribute %s: the namespace has no keyword column left", attribute)
		}
		aliases[columns[0]] = attribute
		columns = columns[1:]
		changed = true
	}
	return aliases, changed, nil
}
