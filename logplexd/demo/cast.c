/*
 * cast.c - see cast.h.
 *
 * What a newcomer is to see comes early: the storm of H12 and the slow query
 * begin within seconds, the leak is over its quota in the first minute. Within
 * five minutes all has happened that the tables have.
 */
#include "demo/cast.h"

#define COUNT(table)     ((unsigned)(sizeof(table) / sizeof((table)[0])))
#define ROUTES(table)    .routes = (table), .route_count = COUNT(table)
#define PROCESSES(table) .processes = (table), .process_count = COUNT(table)
#define STEPS(table)     .steps = (table), .step_count = COUNT(table)

// clang-format off

/* shop: calm; a newsletter brings more visitors; deploys, scaling. */
static const cast_route shop_routes[] = {
    {28, "GET", "/", "HomeController#index", 38, .45, 200, 14800},
    {34, "GET", "/products/#", "ProductsController#show", 52, .5, 200, 22600},
    {12, "GET", "/search?q=~", "SearchController#index", 130, .6, 200, 18100},
    {10, "GET", "/assets/app-^.js", "AssetsController#show", 3, .4, 304, 0},
    {6, "GET", "/cart", "CartsController#show", 41, .4, 200, 9100},
    {5, "POST", "/cart/items", "ItemsController#create", 74, .5, 302, 120},
    {3, "POST", "/sessions", "SessionsController#create", 240, .3, 302, 110},
    {2, "GET", "/orders/#/invoice.pdf", "InvoicesController#show", 620, .5, 200,
     184000},
};
static const cast_process shop_processes[] = {
    {"web", "bundle exec puma -C config/puma.rb", 3, 372, 512, 1400, 0},
};
static const cast_step shop_steps[] = {
    {44, ACT_SAY, "Build started by user dana@example.com", 0},
    {52, ACT_DEPLOY, "dana@example.com", 0},
    {100, ACT_SURGE, "", 2.4}, // the newsletter
    {118, ACT_SCALE, "web", 5},
    {160, ACT_SURGE, "", 1},
    {185, ACT_SCALE, "web", 3},
    {205, ACT_CYCLE, "web.2", 0},
};

/* api: a query without an index, whenever somebody opens the report. */
static const cast_route api_routes[] = {
    {40, "GET", "/v1/orders/#", "orders.show", 18, .5, 200, 1900},
    {16, "GET", "/v1/orders?page=#", "orders.list", 46, .5, 200, 24600},
    {10, "POST", "/v1/orders", "orders.create", 88, .45, 201, 900},
    {14, "GET", "/v1/customers/$", "customers.show", 14, .5, 200, 1200},
    {9, "GET", "/v1/reports/daily", "reports.daily", 115, .35, 200, 8800},
    {7, "GET", "/v1/search?q=~", "search", 160, .7, 200, 12700},
    {4, "DELETE", "/v1/carts/$", "carts.delete", 21, .4, 204, 0},
};
static const cast_process api_processes[] = {
    {"web", "node dist/server.js", 2, 236, 512, 600, 0},
};
static const cast_step api_steps[] = {
    {9, ACT_SLOW, "/v1/reports/daily", 22},
    {26, ACT_SLOW, "/v1/orders?page=#", 7}, // it shares the table
    {72, ACT_SLOW, "/v1/reports/daily", 1},
    {74, ACT_SLOW, "/v1/orders?page=#", 1},
    {112, ACT_FAIL, "", .06},
    {138, ACT_FAIL, "", 0},
    {165, ACT_SLOW, "/v1/search?q=~", 9},
    {196, ACT_SLOW, "/v1/search?q=~", 1},
    {212, ACT_SAY, "Set SEARCH_TIMEOUT config vars by user sam@example.com", 0},
    {213, ACT_DEPLOY, "sam@example.com", 0},
};

/* checkout: its payment provider stalls, requests hang, dynos give up. */
static const cast_route checkout_routes[] = {
    {52, "POST", "/charges", "charge", 210, .4, 201, 640},
    {30, "GET", "/charges/$", "charge_status", 16, .4, 200, 520},
    {10, "POST", "/webhooks/provider", "webhook", 33, .5, 200, 2},
    {8, "POST", "/refunds/#", "refund", 260, .4, 201, 480},
};
static const cast_process checkout_processes[] = {
    {"web", "gunicorn checkout.wsgi", 2, 188, 512, 900, 0},
};
static const cast_step checkout_steps[] = {
    {2, ACT_HANG, "", .55},
    {28, ACT_DROP, "", .2},
    {52, ACT_HANG, "", 0},
    {53, ACT_DROP, "", 0},
    {54, ACT_BOOT, "web", BOOT_CRASHES},
    {55, ACT_CRASH, "web.1", 0},
    {57, ACT_CRASH, "web.2", 0},
    {82, ACT_BOOT, "web", BOOT_WELL},
    {84, ACT_ROLLBACK, "kim@example.com", 0},
    {140, ACT_MAINTENANCE, "", 1},
    {156, ACT_MAINTENANCE, "", 0},
    {180, ACT_DEPLOY, "kim@example.com", 0},
};

/* mailer: a worker that leaks until it is killed, another that won't stop. */
static const cast_route mailer_routes[] = {
    {70, "GET", "/health", "health", 2, .3, 200, 15},
    {30, "POST", "/hooks/bounces", "bounce", 24, .6, 202, 2},
};
static const cast_process mailer_processes[] = {
    {"web", "bundle exec rackup -p $PORT", 1, 142, 512, 500, 0},
    {"worker", "bundle exec sidekiq -q mail", 2, 418, 512, 34000, 0},
};
static const cast_step mailer_steps[] = {
    {1, ACT_LEAK, "worker.1", 4.4},
    {48, ACT_BOOT, "web", BOOT_TIMES_OUT},
    {50, ACT_CRASH, "web", 0},
    {124, ACT_BOOT, "web", BOOT_WELL},
    {175, ACT_SURGE, "", 2.5},
    {198, ACT_SURGE, "", 1},
    {222, ACT_DEPLOY, "ada@example.com", 0},
};

/* blog: idle, until somebody links to it. Runs on the platform's older stack,
 * which tells how long requests wait for a process. */
static const cast_route blog_routes[] = {
    {55, "GET", "/posts/#/~", "-", 34, .5, 200, 18400},
    {25, "GET", "/", "-", 22, .4, 200, 9700},
    {12, "GET", "/feed.xml", "-", 12, .3, 304, 0},
    {8, "GET", "/wp-login.php", "-", 6, .3, 404, 310},
};
static const cast_process blog_processes[] = {
    {"web", "unicorn -p $PORT -c config/unicorn.rb", 1, 214, 512, 700, 0},
};
static const cast_step blog_steps[] = {
    {31, ACT_SURGE, "", 38},
    {33, ACT_SLOW, "/posts/#/~", 2.7}, // more than one process can do
    {58, ACT_SURGE, "", 9},
    {84, ACT_SURGE, "", 1},
    {85, ACT_SLOW, "/posts/#/~", 1},
    {170, ACT_CYCLE, "web", 0},
};

/* warehouse: batches and databases, and a clock that is wrong. */
static const cast_route warehouse_routes[] = {
    {60, "POST", "/events", "ingest", 28, .6, 202, 2},
    {40, "GET", "/dashboards/#", "dashboard", 190, .6, 200, 31800},
};
static const cast_process warehouse_processes[] = {
    {"web", "bin/warehouse serve", 1, 96, 512, 400, 0},
    {"ingest", "bin/warehouse ingest", 2, 310, 1024, 1100, 0},
    {"clock", "bin/warehouse clock", 1, 44, 512, 300, -4200},
    {"scheduler", "bin/warehouse rollup", 0, 128, 512, 400, 0},
};
static const cast_step warehouse_steps[] = {
    {22, ACT_RUN, "scheduler", 16},
    {66, ACT_OVERFLOW, "", 500},
    {120, ACT_RUN, "scheduler", 24},
    {150, ACT_SCALE, "ingest", 3},
    {190, ACT_SCALE, "ingest", 2},
};

const cast_app cast[CAST_APPS] = {
    {.id = "shop", .about = "calm; a newsletter, a deploy, more dynos",
     .host = "shop.example.com", .style = STYLE_RAILS, .has_drain = true,
     .requests_per_s = 7, .wave_s = 150, ROUTES(shop_routes),
     PROCESSES(shop_processes),
     STEPS(shop_steps), .cycle_s = 240},
    {.id = "api", .about = "a slow query that comes and goes",
     .host = "api.example.com", .style = STYLE_JSON, .has_postgres = true,
     .requests_per_s = 11, .wave_s = 130, ROUTES(api_routes),
     PROCESSES(api_processes), STEPS(api_steps), .cycle_s = 250},
    {.id = "checkout", .about = "a storm of H12, a crash and H10, a rollback",
     .host = "checkout.example.com", .style = STYLE_PAIRS, .has_drain = true,
     .requests_per_s = 5, .wave_s = 170, ROUTES(checkout_routes),
     PROCESSES(checkout_processes),
     STEPS(checkout_steps), .cycle_s = 210},
    {.id = "mailer", .about = "a leak that ends in R14, R15 and a restart",
     .host = "mailer.example.com", .style = STYLE_PAIRS, .jobs = JOBS_MAIL,
     .has_redis = true, .requests_per_s = .7, .jobs_per_s = 6, .wave_s = 110,
     ROUTES(mailer_routes), PROCESSES(mailer_processes), STEPS(mailer_steps),
     .cycle_s = 270},
    {.id = "blog", .about = "idle until somebody links to it; requests wait",
     .host = "blog.example.com", .style = STYLE_ACCESS, .is_old = true,
     .requests_per_s = .4, .wave_s = 200, ROUTES(blog_routes),
     PROCESSES(blog_processes), STEPS(blog_steps), .cycle_s = 220},
    {.id = "warehouse", .about = "batches, Postgres and Redis",
     .host = "warehouse.example.com", .style = STYLE_PAIRS, .jobs = JOBS_BATCH,
     .has_postgres = true, .has_redis = true, .requests_per_s = 1.5,
     .jobs_per_s = 4, .wave_s = 140, ROUTES(warehouse_routes),
     PROCESSES(warehouse_processes), STEPS(warehouse_steps), .cycle_s = 230},
};
// clang-format on

const double cast_lines_per_s = 91;
