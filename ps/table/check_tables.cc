#include "ps/table/check_tables.h"

#include <algorithm>
#include <set>
#include <string>

#include "ps/table/admission.h"
#include "ps/table/initializer.h"
#include "ps/table/optimizer.h"
#include "ps/table/table_spec.h"

namespace zhiyin::ps::table {
namespace {

constexpr int kMaxTables = 1024;
constexpr int kMaxDim = 4096;

void CheckEviction(const config::Checker& check, const config::ConfigPath& path,
                   const Eviction& eviction) {
  check.CheckRange(path("ttl_steps"), eviction.ttl_steps(), int64_t{0}, int64_t{1} << 31);
  check.CheckRange(path("min_pulls"), eviction.min_pulls(), int64_t{0}, int64_t{1} << 30);
  check.CheckNotNegative(path("min_norm"), eviction.min_norm());
  check.CheckRange(path("max_bytes"), eviction.max_bytes(), int64_t{0}, int64_t{1} << 60);
  check.CheckRange(path("sweep_steps"), eviction.sweep_steps(), int64_t{1}, int64_t{1} << 30);
  if (eviction.when_full() != Eviction::EVICT_OLDEST && eviction.max_bytes() == 0)
    check.Fail(path("when_full"), "means nothing without max_bytes");
}

/// A copied row reaches its server once in refresh_steps, with the sum of gradients that belong to
/// several weights. `path` leads to the table.
void CheckHotKeys(const config::Checker& check, const config::ConfigPath& path,
                  const zhiyin::Table& table, const Train& train) {
  const int64_t refresh_steps = table.hot_keys().refresh_steps();
  const config::ConfigPath rows = path("hot_keys")("rows");
  check.CheckRange(rows, table.hot_keys().rows(), int64_t{0}, int64_t{1} << 31);
  check.CheckRange(path("hot_keys")("refresh_steps"), table.hot_keys().refresh_steps(), 2, 1000);
  if (table.hot_keys().rows() == 0) return;
  if (train.staleness() == 0)
    check.Fail(rows, "copies of rows are stale: expected 0, or another train.staleness than 0");
  const Eviction& eviction = table.eviction();
  if (eviction.ttl_steps() > 0 && eviction.ttl_steps() <= refresh_steps) {
    check.Fail(path("eviction")("ttl_steps"), "is ", eviction.ttl_steps(),
               ", expected more than hot_keys.refresh_steps, ", refresh_steps,
               ": a copied row is pulled no more often");
  }
  if (eviction.min_pulls() > 1) {
    check.Fail(path("eviction")("min_pulls"),
               "counts pulls, which hot_keys saves: expected at most 1 with hot_keys");
  }
  if (MakeOptimizer(table.optimizer())->WantsPulledWeights()) {
    check.Fail(rows, ChosenOptimizer(table.optimizer())->name,
               " needs the weights of each gradient: expected 0");
  }
}

void CheckTable(const config::Checker& check, const config::ConfigPath& path, const Job& job,
                int i) {
  const zhiyin::Table& table = job.table(i);
  check.CheckRange(path("dim"), table.dim(), 1, kMaxDim);
  CheckOptimizer(check, path("optimizer"), table.optimizer());
  check.CheckNotNegative(path("l2"), table.l2());
  CheckAdmission(check, path("admission"), table.admission());
  CheckEviction(check, path("eviction"), table.eviction());
  CheckHotKeys(check, path, table, job.train());
  CheckInitializer(check, path("init"), table.init());
  const int64_t max_bytes = table.eviction().max_bytes();
  if (max_bytes == 0) return;
  const LeastBytes least = LeastMaxBytes(SpecOfTable(job, i));
  if (max_bytes < least.all) {
    check.Fail(path("eviction")("max_bytes"), "is ", max_bytes, ", expected at least ", least.all,
               ": ", least.Reasons());
  }
}

}  // namespace

void FillTables(Job* job) {
  for (zhiyin::Table& table : *job->mutable_table()) {
    FillOptimizer(table.mutable_optimizer());
    FillAdmission(table.mutable_admission());
    if (!table.eviction().has_sweep_steps()) table.mutable_eviction()->set_sweep_steps(4096);
    if (!table.hot_keys().has_refresh_steps()) table.mutable_hot_keys()->set_refresh_steps(8);
    FillInitializer(table.mutable_init());
  }
}

void CheckTables(const config::Checker& check, const Job& job) {
  check.CheckCount(check.root(), "table", job.table_size(), kMaxTables);
  std::set<std::string> names = {"dense"};
  for (int i = 0; i < job.table_size(); ++i) {
    const config::ConfigPath path = check.root()("table", i);
    const zhiyin::Table& table = job.table(i);
    if (table.name() == "dense")
      check.Fail(path("name"), "\"dense\" is the table of the model's own weights");
    check.CheckName(path, table.name(), &names);
    CheckTable(check, path, job, i);
    if (std::none_of(job.field().begin(), job.field().end(),
                     [&](const Field& field) { return field.table() == table.name(); }))
      check.Fail(path, "is used by no field");
  }
}

}  // namespace zhiyin::ps::table
