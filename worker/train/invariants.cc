#include "worker/train/invariants.h"

#include <optional>
#include <sstream>

#include "common/bytes.h"
#include "common/error.h"
#include "common/text.h"

namespace zhiyin::worker::train {
namespace {

using ps::client::ClientCounts;

constexpr char kCountsName[] = "counts of a worker";
/// More than there ever are: ten million keys a second are fewer in 300 days. The sums of all
/// workers fit.
constexpr int64_t kMaxCount = int64_t{1} << 48;

/// In the order in which they travel.
constexpr int64_t ClientCounts::*kCounts[] = {
    &ClientCounts::n_pushes,        &ClientCounts::n_pulled_keys, &ClientCounts::n_peeked_keys,
    &ClientCounts::n_assigned_keys, &ClientCounts::n_stale_reads, &ClientCounts::n_late_replies,
    &ClientCounts::n_waiting,       &ClientCounts::peak_bytes,    &ClientCounts::bound_bytes,
};

/// The result of checking an invariant: nothing if it does not apply to the job, "" if it holds,
/// otherwise the counts that break it and the expected ones.
using Verdict = std::optional<std::string>;

Verdict PushesApplied(const JobCounts& counts) {
  const int64_t n_sent = counts.Sum(&ClientCounts::n_pushes);
  if (counts.servers.n_applied_pushes == n_sent) return "";
  return TextOf("servers applied ", counts.servers.n_applied_pushes, " pushes, expected ", n_sent,
                ", which workers sent");
}

Verdict KeysPushed(const JobCounts& counts) {
  const ps::ServerReport& servers = counts.servers;
  const int64_t n_pulled = counts.Sum(&ClientCounts::n_pulled_keys);
  const int64_t n_peeked = counts.Sum(&ClientCounts::n_peeked_keys);
  if (servers.n_pulled_keys != n_pulled)
    return TextOf("servers answered pulls of ", servers.n_pulled_keys, " keys, expected ", n_pulled,
                  ", which workers pulled");
  if (servers.n_pushed_keys + servers.n_refused_keys != n_pulled)
    return TextOf("servers applied gradients of ", servers.n_pushed_keys, " keys and refused ",
                  servers.n_refused_keys, ", expected ", n_pulled,
                  " together, which workers pulled");
  if (servers.n_peeked_keys != n_peeked)
    return TextOf("servers answered peeks at ", servers.n_peeked_keys, " keys, expected ", n_peeked,
                  ", which workers peeked at");
  return "";
}

Verdict EvaluationMakesNoRows(const JobCounts& counts) {
  if (counts.n_rows_made_by_evaluation == 0) return "";
  return TextOf("evaluations made ", counts.n_rows_made_by_evaluation, " rows, expected none");
}

Verdict SamplesCounted(const JobCounts& counts) {
  const int64_t n_expected = counts.n_rows * counts.n_epochs;
  if (counts.n_samples == n_expected) return "";
  return TextOf("workers trained on ", counts.n_samples, " examples, expected ", n_expected, ": ",
                counts.n_rows, " in each of ", counts.n_epochs, " epochs");
}

Verdict StalenessBound(const JobCounts& counts) {
  if (counts.staleness < 0) return std::nullopt;
  const int64_t n = counts.Sum(&ClientCounts::n_stale_reads);
  if (n == 0) return "";
  return TextOf(n, " replies to pulls lacked more than the last ", counts.staleness,
                " steps, expected none");
}

Verdict RowCountsHold(const JobCounts& counts) {
  int64_t n_looked_up = 0;
  for (const ps::ServerReport::TableCount& table : counts.servers.tables) {
    const ps::RowCounts& rows = table.counts;
    n_looked_up += rows.looked_up;
    if (rows.looked_up != rows.found + rows.created + rows.refused())
      return TextOf("table ", table.name, ": of ", rows.looked_up, " keys looked up ", rows.found,
                    " were found, ", rows.created, " created and ", rows.refused(),
                    " refused, expected the sum of these");
    if (rows.inserted() != table.n_rows + rows.evicted())
      return TextOf("table ", table.name, ": of ", rows.inserted(), " rows inserted ", table.n_rows,
                    " are there and ", rows.evicted(), " were evicted, expected the sum of these");
  }
  const int64_t n_asked =
      counts.Sum(&ClientCounts::n_pulled_keys) + counts.Sum(&ClientCounts::n_assigned_keys);
  if (n_looked_up != n_asked)
    return TextOf("tables looked up ", n_looked_up, " keys, expected ", n_asked,
                  ", which workers pulled or assigned");
  return "";
}

Verdict AllAnswered(const JobCounts& counts) {
  const int64_t n_waiting = counts.Sum(&ClientCounts::n_waiting);
  if (n_waiting == 0 && counts.servers.n_waiting == 0) return "";
  return TextOf(n_waiting, " requests wait at workers and ", counts.servers.n_waiting,
                " pulls and pushes at servers, expected none");
}

Verdict MemoryBound(const JobCounts& counts) {
  for (size_t w = 0; w < counts.workers.size(); ++w) {
    const ClientCounts& worker = counts.workers[w];
    if (worker.peak_bytes > worker.bound_bytes)
      return TextOf(worker.peak_bytes, " bytes were between worker ", w,
                    " and a server, expected at most ", worker.bound_bytes);
  }
  return "";
}

struct Invariant {
  const char* name;
  Verdict (*judge)(const JobCounts& counts);
};

constexpr Invariant kInvariants[] = {
    {"evaluation_makes_no_rows", EvaluationMakesNoRows},
    {"pushes_applied", PushesApplied},
    {"keys_pushed", KeysPushed},
    {"samples_counted", SamplesCounted},
    {"staleness_bound", StalenessBound},
    {"row_counts", RowCountsHold},
    {"all_answered", AllAnswered},
    {"memory_bound", MemoryBound},
};

}  // namespace

std::string SerializeCounts(const ClientCounts& counts) {
  ByteWriter out;
  for (const auto count : kCounts) out.Put(counts.*count);
  return out.Take();
}

ClientCounts ParseCounts(std::string_view bytes) {
  ByteReader in(bytes, kCountsName);
  ClientCounts counts;
  for (const auto count : kCounts) {
    const int64_t n = counts.*count = in.Get<int64_t>();
    if (n < 0 || n > kMaxCount)
      Fail(kCountsName, ": a count of ", n, ", expected 0 to ", kMaxCount);
  }
  if (!in.AtEnd()) Fail(kCountsName, ": bytes behind its end");
  return counts;
}

int64_t JobCounts::Sum(int64_t ClientCounts::*count) const {
  int64_t sum = 0;
  for (const ClientCounts& worker : workers) sum += worker.*count;
  return sum;
}

std::vector<std::string> CheckInvariants(const JobCounts& counts) {
  std::vector<std::string> checked;
  for (const Invariant& invariant : kInvariants) {
    const Verdict verdict = invariant.judge(counts);
    if (!verdict) continue;
    if (!verdict->empty()) Fail("invariant ", invariant.name, " broken: ", *verdict);
    checked.emplace_back(invariant.name);
  }
  return checked;
}

}  // namespace zhiyin::worker::train
