#include "ps/protocol.h"

#include <algorithm>

#include "common/bytes.h"
#include "common/partitioner.h"

namespace zhiyin::ps {
namespace {

/// Those that are added up over servers, in the order in which they travel.
constexpr int64_t ServerReport::*kReportCounts[] = {
    &ServerReport::n_applied_pushes, &ServerReport::n_repeated_pushes, &ServerReport::n_repeated_pulls, &ServerReport::n_pulled_keys,
    &ServerReport::n_pushed_keys,    &ServerReport::n_refused_keys,    &ServerReport::n_peeked_keys,
    &ServerReport::n_waiting,
};

}  // namespace

std::string ServerReport::Serialize() const {
  ByteWriter out;
  out.Put<uint64_t>(tables.size());
  for (const TableCount& table : tables) {
    out.PutString(table.name);
    out.Put(table.n_rows);
    out.Put(table.n_bytes);
    for (const auto& [name, count] : kRowCounts) out.Put(table.counts.*count);
  }
  out.Put<uint64_t>(poisoned.size());
  for (const Poisoned& entry : poisoned) {
    out.Put(entry.rank);
    out.PutString(entry.table);
    out.Put(entry.n_pushes);
  }
  for (const auto count : kReportCounts) out.Put(this->*count);
  out.PutArray<int64_t>(staleness);
  out.PutArray<int64_t>(traffic);
  return out.Take();
}

namespace {

/// More than there ever are; the sums of all servers fit.
constexpr int64_t kMaxCount = int64_t{1} << 48;

int64_t GetCount(ByteReader* in) {
  const int64_t n = in->Get<int64_t>();
  if (n < 0 || n > kMaxCount) Fail("report of a server: a count of ", n, ", expected 0 to ", kMaxCount);
  return n;
}

std::vector<int64_t> GetCounts(ByteReader* in, uint64_t n_max) {
  const uint64_t n = in->Get<uint64_t>();
  if (n > n_max) Fail("report of a server: ", n, " counts, expected at most ", n_max);
  std::vector<int64_t> counts;
  for (uint64_t i = 0; i < n; ++i) counts.push_back(GetCount(in));
  return counts;
}

/// Adds element by element; the shorter one is as if filled with zeros.
void AddCounts(const std::vector<int64_t>& from, std::vector<int64_t>* to) {
  to->resize(std::max(to->size(), from.size()));
  for (size_t i = 0; i < from.size(); ++i) (*to)[i] += from[i];
}

}  // namespace

ServerReport ServerReport::Parse(std::string_view bytes) {
  ByteReader in(bytes, "report of a server");
  ServerReport report;
  for (uint64_t n = in.Get<uint64_t>(); n > 0; --n) {
    TableCount table;
    table.name = in.GetString();
    table.n_rows = GetCount(&in);
    table.n_bytes = GetCount(&in);
    for (const auto& [name, count] : kRowCounts) table.counts.*count = GetCount(&in);
    report.tables.push_back(std::move(table));
  }
  for (uint64_t n = in.Get<uint64_t>(); n > 0; --n) {
    Poisoned& entry = report.poisoned.emplace_back();
    entry.rank = in.Get<int32_t>();
    entry.table = in.GetString();
    entry.n_pushes = GetCount(&in);
  }
  for (const auto count : kReportCounts) report.*count = GetCount(&in);
  report.staleness = GetCounts(&in, kStalenessBins);
  report.traffic = GetCounts(&in, kNumShards);
  if (!in.AtEnd()) Fail("report of a server: bytes behind its end");
  return report;
}

void ServerReport::Merge(const ServerReport& other) {
  for (const TableCount& table : other.tables) {
    const auto same =
        std::find_if(tables.begin(), tables.end(), [&](const TableCount& t) { return t.name == table.name; });
    if (same == tables.end()) {
      tables.push_back(table);
    } else {
      same->n_rows += table.n_rows;
      same->n_bytes += table.n_bytes;
      for (const auto& [name, count] : kRowCounts) same->counts.*count += table.counts.*count;
    }
  }
  for (const Poisoned& entry : other.poisoned) CountPoisoned(entry.rank, entry.table, entry.n_pushes);
  for (const auto count : kReportCounts) this->*count += other.*count;
  AddCounts(other.staleness, &staleness);
  AddCounts(other.traffic, &traffic);
}

void ServerReport::CountPoisoned(int32_t rank, const std::string& table, int64_t n_pushes) {
  const auto same = std::find_if(poisoned.begin(), poisoned.end(),
                                 [&](const Poisoned& p) { return p.rank == rank && p.table == table; });
  if (same == poisoned.end()) {
    poisoned.push_back({rank, table, n_pushes});
  } else {
    same->n_pushes += n_pushes;
  }
}

}  // namespace zhiyin::ps
