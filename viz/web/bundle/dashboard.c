#include "logplex/dashboard.h"

/* The build writes it; a path that is NULL ends it. */
extern const lp_dashboard_file lp_dashboard_files[];

const lp_dashboard_file *lp_dashboard_find(lp_span path)
{
    const lp_dashboard_file *file = lp_dashboard_files;

    while (file->path && !lp_span_equal(path, lp_span_str(file->path)))
        file++;
    return file->path ? file : NULL;
}
