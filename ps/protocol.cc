#include "ps/protocol.h"

#include <algorithm>

#include "common/bytes.h"

namespace zhiyin::ps {

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
  out.Put(n_repeated_pushes);
  out.Put(n_pulled_keys);
  out.Put(n_pushed_keys);
  out.Put(n_peeked_keys);
  out.PutArray<int64_t>(staleness);
  return out.Take();
}

ServerReport ServerReport::Parse(std::string_view bytes) {
  ByteReader in(bytes, "report of a server");
  ServerReport report;
  for (uint64_t n = in.Get<uint64_t>(); n > 0; --n) {
    TableCount table;
    table.name = in.GetString();
    table.n_rows = in.Get<int64_t>();
    table.n_bytes = in.Get<int64_t>();
    for (const auto& [name, count] : kRowCounts) table.counts.*count = in.Get<int64_t>();
    report.tables.push_back(std::move(table));
  }
  for (uint64_t n = in.Get<uint64_t>(); n > 0; --n) {
    Poisoned& entry = report.poisoned.emplace_back();
    entry.rank = in.Get<int32_t>();
    entry.table = in.GetString();
    entry.n_pushes = in.Get<int64_t>();
  }
  report.n_repeated_pushes = in.Get<int64_t>();
  report.n_pulled_keys = in.Get<int64_t>();
  report.n_pushed_keys = in.Get<int64_t>();
  report.n_peeked_keys = in.Get<int64_t>();
  report.staleness = in.GetArray<int64_t>();
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
  n_repeated_pushes += other.n_repeated_pushes;
  n_pulled_keys += other.n_pulled_keys;
  n_pushed_keys += other.n_pushed_keys;
  n_peeked_keys += other.n_peeked_keys;
  staleness.resize(std::max(staleness.size(), other.staleness.size()));
  for (size_t i = 0; i < other.staleness.size(); ++i) staleness[i] += other.staleness[i];
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
