/*
 * The handlers the route table names, by the file they live in.
 */
#ifndef AEGIS_API_HANDLERS_H
#define AEGIS_API_HANDLERS_H

#include "api/exchange.h"

/* health.c */
void health_live(struct exchange *x);
void health_ready(struct exchange *x);
void health_metrics(struct exchange *x);

/* cluster.c */
void cluster_status(struct exchange *x);
void cluster_alerts(struct exchange *x);

/* Look at the cluster now, so that alerts know since when they hold. */
void cluster_judge_alerts(struct api *api);

/* members.c */
void members_chain(struct exchange *x);
void members_change(struct exchange *x);

/* keys.c */
void keys_status(struct exchange *x);
void keys_order(struct exchange *x);

/* consensus.c */
void consensus_rounds(struct exchange *x);
void consensus_votes(struct exchange *x);
void consensus_views(struct exchange *x);
void consensus_certificate(struct exchange *x);
void consensus_state(struct exchange *x);
void consensus_evidence(struct exchange *x);

/* The members of a set, by name. */
void consensus_emit_voters(struct emitter *e, const char *name,
    const struct node_status *s, uint32_t votes);

/* trace.c */
void trace_find(struct exchange *x);

/* kv.c */
void kv_get(struct exchange *x);

/* kv_past.c */
void kv_past_versions(struct exchange *x);

/* proof.c */
void proof_get(struct exchange *x);

/* write.c */
void write_put(struct exchange *x);
void write_delete(struct exchange *x);
void write_txn(struct exchange *x);
void write_find(struct exchange *x);

/* Put an operation to agreement; done, with x for arg, answers. */
void write_submit(struct exchange *x, const struct operation *op,
    node_done_fn *done);

/* Answer that nothing was agreed, or that it is not known. */
void write_fail(struct exchange *x, enum ag_status status);

/* The same of a result that is not done. */
void write_refuse(struct exchange *x, const struct result *result);

/* leases.c */
void leases_get(struct exchange *x);
void leases_grant(struct exchange *x);
void leases_keep_alive(struct exchange *x);
void leases_revoke(struct exchange *x);

/* watch.c, snapshot.c */
void watch_follow(struct exchange *x);
void snapshot_stream(struct exchange *x);

/* admin.c */
void admin_logs(struct exchange *x);
void admin_config(struct exchange *x);
void admin_reload(struct exchange *x);
void admin_link_key(struct exchange *x);
void admin_routes(struct exchange *x);

#endif
