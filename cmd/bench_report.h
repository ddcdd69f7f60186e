/*
 * What a load measured, as rows.
 */
#ifndef AEGIS_CMD_BENCH_REPORT_H
#define AEGIS_CMD_BENCH_REPORT_H

#include "cmd/bench_plan.h"

/* Print the result; the code to exit with. */
int bench_report_print(const struct bench_plan *plan,
    const struct bench_result *result);

#endif
