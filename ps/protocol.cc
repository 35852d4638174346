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
  }
  out.Put(n_pulled_keys);
  out.Put(n_pushed_keys);
  out.Put(n_peeked_keys);
  out.PutArray<int64_t>(staleness);
  return out.Take();
}

namespace {

/// More than there ever are; the sums of all servers fit.
constexpr int64_t kMaxCount = int64_t{1} << 48;

void CheckCount(int64_t n) {
  if (n < 0 || n > kMaxCount) Fail("report of a server: a count of ", n, ", expected 0 to ", kMaxCount);
}

}  // namespace

ServerReport ServerReport::Parse(std::string_view bytes) {
  ByteReader in(bytes, "report of a server");
  ServerReport report;
  for (uint64_t n = in.Get<uint64_t>(); n > 0; --n) {
    TableCount table;
    table.name = in.GetString();
    table.n_rows = in.Get<int64_t>();
    table.n_bytes = in.Get<int64_t>();
    report.tables.push_back(std::move(table));
  }
  report.n_pulled_keys = in.Get<int64_t>();
  report.n_pushed_keys = in.Get<int64_t>();
  report.n_peeked_keys = in.Get<int64_t>();
  report.staleness = in.GetArray<int64_t>();
  if (!in.AtEnd()) Fail("report of a server: bytes behind its end");
  if (report.staleness.size() > kStalenessBins)
    Fail("report of a server: ", report.staleness.size(), " bins, expected at most ", kStalenessBins);
  for (const TableCount& table : report.tables) {
    CheckCount(table.n_rows);
    CheckCount(table.n_bytes);
  }
  for (const int64_t n : {report.n_pulled_keys, report.n_pushed_keys, report.n_peeked_keys}) CheckCount(n);
  for (const int64_t n : report.staleness) CheckCount(n);
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
    }
  }
  n_pulled_keys += other.n_pulled_keys;
  n_pushed_keys += other.n_pushed_keys;
  n_peeked_keys += other.n_peeked_keys;
  staleness.resize(std::max(staleness.size(), other.staleness.size()));
  for (size_t i = 0; i < other.staleness.size(); ++i) staleness[i] += other.staleness[i];
}

}  // namespace zhiyin::ps
