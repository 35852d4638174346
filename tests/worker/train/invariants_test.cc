#include "worker/train/invariants.h"

#include <gmock/gmock.h>

#include <functional>

#include "common/error.h"

namespace zhiyin::worker::train {
namespace {

/// What two workers and their servers count in a job of 10 rows and 2 epochs in which nothing goes
/// wrong.
JobCounts Sound() {
  JobCounts counts;
  counts.staleness = 2;
  counts.n_rows = 10;
  counts.n_epochs = 2;
  counts.n_samples = 20;
  counts.workers.resize(2);
  for (ps::client::ClientCounts& worker : counts.workers) {
    worker.n_pushes = 5;
    worker.n_pulled_keys = 50;
    worker.n_peeked_keys = 7;
    worker.peak_bytes = worker.bound_bytes = 1000;
  }
  counts.workers[0].n_assigned_keys = 3;
  counts.servers.n_applied_pushes = 10;
  counts.servers.n_pulled_keys = 100;
  counts.servers.n_pushed_keys = 90;
  counts.servers.n_refused_keys = 10;
  counts.servers.n_peeked_keys = 14;
  ps::ServerReport::TableCount table;
  table.name = "users";
  table.n_rows = 18;
  table.counts.looked_up = 103;
  table.counts.found = 80;
  table.counts.created = 20;
  table.counts.no_room = 3;
  table.counts.rare = 2;
  counts.servers.tables = {table};
  return counts;
}

TEST(Invariants, HoldInASoundJob) {
  EXPECT_THAT(CheckInvariants(Sound()),
              ::testing::ElementsAre("evaluation_makes_no_rows", "pushes_applied", "keys_pushed",
                                     "samples_counted", "staleness_bound", "row_counts",
                                     "all_answered", "memory_bound"));
  JobCounts unbounded = Sound();
  unbounded.staleness = -1;
  EXPECT_THAT(CheckInvariants(unbounded), ::testing::Not(::testing::Contains("staleness_bound")));
}

std::string Breach(const std::function<void(JobCounts*)>& damage) {
  JobCounts counts = Sound();
  damage(&counts);
  try {
    CheckInvariants(counts);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Invariants, ABrokenOneIsNamedWithWhatWasExpected) {
  EXPECT_EQ(Breach([](JobCounts* c) { c->n_rows_made_by_evaluation = 3; }),
            "invariant evaluation_makes_no_rows broken: evaluations made 3 rows, expected none");
  EXPECT_EQ(Breach([](JobCounts* c) { ++c->servers.n_applied_pushes; }),
            "invariant pushes_applied broken: servers applied 11 pushes, expected 10, which "
            "workers sent");
  EXPECT_EQ(Breach([](JobCounts* c) { --c->servers.n_pulled_keys; }),
            "invariant keys_pushed broken: servers answered pulls of 99 keys, expected 100, which "
            "workers pulled");
  EXPECT_EQ(Breach([](JobCounts* c) { --c->servers.n_refused_keys; }),
            "invariant keys_pushed broken: servers applied gradients of 90 keys and refused 9, "
            "expected 100 together, "
            "which workers pulled");
  EXPECT_EQ(Breach([](JobCounts* c) { ++c->workers[1].n_peeked_keys; }),
            "invariant keys_pushed broken: servers answered peeks at 14 keys, expected 15, which "
            "workers peeked at");
  EXPECT_EQ(
      Breach([](JobCounts* c) { --c->n_samples; }),
      "invariant samples_counted broken: workers trained on 19 examples, expected 20: 10 in each "
      "of 2 epochs");
  EXPECT_EQ(Breach([](JobCounts* c) { c->workers[1].n_stale_reads = 4; }),
            "invariant staleness_bound broken: 4 replies to pulls lacked more than the last 2 "
            "steps, expected none");
  EXPECT_EQ(Breach([](JobCounts* c) { ++c->servers.tables[0].counts.found; }),
            "invariant row_counts broken: table users: of 103 keys looked up 81 were found, 20 "
            "created and 3 refused, "
            "expected the sum of these");
  EXPECT_EQ(Breach([](JobCounts* c) { --c->servers.tables[0].n_rows; }),
            "invariant row_counts broken: table users: of 20 rows inserted 17 are there and 2 were "
            "evicted, expected "
            "the sum of these");
  EXPECT_EQ(Breach([](JobCounts* c) { ++c->workers[0].n_assigned_keys; }),
            "invariant row_counts broken: tables looked up 103 keys, expected 104, which workers "
            "pulled or assigned");
  EXPECT_EQ(Breach([](JobCounts* c) { c->servers.n_waiting = 2; }),
            "invariant all_answered broken: 0 requests wait at workers and 2 pulls and pushes at "
            "servers, expected "
            "none");
  EXPECT_EQ(Breach([](JobCounts* c) { ++c->workers[1].peak_bytes; }),
            "invariant memory_bound broken: 1001 bytes were between worker 1 and a server, "
            "expected at most 1000");
}

}  // namespace
}  // namespace zhiyin::worker::train
