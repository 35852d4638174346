#include "ps/protocol.h"

#include <algorithm>
#include <limits>

#include "common/bytes.h"
#include "ps/partitioner.h"

namespace zhiyin::ps {
namespace {

/// The counts that are added up over servers, in their order on the wire.
constexpr int64_t ServerReport::*kReportCounts[] = {
    &ServerReport::n_applied_pushes, &ServerReport::n_repeated_pushes,
    &ServerReport::n_repeated_pulls, &ServerReport::n_pulled_keys,
    &ServerReport::n_pushed_keys,    &ServerReport::n_refused_keys,
    &ServerReport::n_peeked_keys,    &ServerReport::n_waiting,
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
  out.Put<uint64_t>(non_finite.size());
  for (const NonFinite& entry : non_finite) {
    out.Put(entry.rank);
    out.PutString(entry.table);
    out.Put(entry.n_pushes);
  }
  for (const auto count : kReportCounts) out.Put(this->*count);
  out.PutArray<int64_t>(staleness);
  out.PutArray<int64_t>(traffic);
  out.PutArray<double>(stage_s);
  return out.Take();
}

namespace {

/// The largest count of keys, rows and pushes that is accepted; the sums of all servers fit into 64
/// bits. Ten million keys a second are fewer in 300 days.
constexpr int64_t kMaxCount = int64_t{1} << 48;
/// The largest count of the bytes of frames, of which a busy server exceeds kMaxCount in days.
constexpr int64_t kMaxTraffic = std::numeric_limits<int64_t>::max();
constexpr double kMaxSeconds = 1e9;

int64_t GetCount(ByteReader* in, int64_t max = kMaxCount) {
  const int64_t n = in->Get<int64_t>();
  if (n < 0 || n > max) Fail("report of a server: a count of ", n, ", expected 0 to ", max);
  return n;
}

std::vector<int64_t> GetCounts(ByteReader* in, uint64_t n_max, int64_t max = kMaxCount) {
  const uint64_t n = in->Get<uint64_t>();
  if (n > n_max) Fail("report of a server: ", n, " counts, expected at most ", n_max);
  std::vector<int64_t> counts;
  for (uint64_t i = 0; i < n; ++i) counts.push_back(GetCount(in, max));
  return counts;
}

std::vector<double> GetStages(ByteReader* in) {
  std::vector<double> seconds = in->GetArray<double>();
  if (!seconds.empty() && seconds.size() != kServerStageNames.size())
    Fail("report of a server: ", seconds.size(), " stages, expected none or ",
         kServerStageNames.size());
  for (const double s : seconds) {
    if (!(s >= 0 && s <= kMaxSeconds))
      Fail("report of a server: a stage of ", s, " seconds, expected 0 to ", kMaxSeconds);
  }
  return seconds;
}

/// Adds element by element, the shorter vector extended by zeros.
template <typename Number>
void AddCounts(const std::vector<Number>& from, std::vector<Number>* to) {
  to->resize(std::max(to->size(), from.size()));
  for (size_t i = 0; i < from.size(); ++i) (*to)[i] += from[i];
}

/// Adds bytes of frames in that way; a sum beyond 64 bits stays at the largest number.
void AddTraffic(const std::vector<int64_t>& from, std::vector<int64_t>* to) {
  to->resize(std::max(to->size(), from.size()));
  for (size_t i = 0; i < from.size(); ++i) {
    if (__builtin_add_overflow((*to)[i], from[i], &(*to)[i])) (*to)[i] = kMaxTraffic;
  }
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
    NonFinite& entry = report.non_finite.emplace_back();
    entry.rank = in.Get<int32_t>();
    entry.table = in.GetString();
    entry.n_pushes = GetCount(&in);
  }
  for (const auto count : kReportCounts) report.*count = GetCount(&in);
  report.staleness = GetCounts(&in, kStalenessBins);
  report.traffic = GetCounts(&in, kNumShards, kMaxTraffic);
  report.stage_s = GetStages(&in);
  if (!in.AtEnd()) Fail("report of a server: bytes behind its end");
  return report;
}

void ServerReport::Merge(const ServerReport& other) {
  for (const TableCount& table : other.tables) {
    const auto same = std::find_if(tables.begin(), tables.end(),
                                   [&](const TableCount& t) { return t.name == table.name; });
    if (same == tables.end()) {
      tables.push_back(table);
    } else {
      same->n_rows += table.n_rows;
      same->n_bytes += table.n_bytes;
      for (const auto& [name, count] : kRowCounts) same->counts.*count += table.counts.*count;
    }
  }
  for (const NonFinite& entry : other.non_finite)
    CountNonFinite(entry.rank, entry.table, entry.n_pushes);
  for (const auto count : kReportCounts) this->*count += other.*count;
  AddCounts(other.staleness, &staleness);
  AddTraffic(other.traffic, &traffic);
  AddCounts(other.stage_s, &stage_s);
}

void ServerReport::CountNonFinite(int32_t rank, const std::string& table, int64_t n_pushes) {
  const auto same = std::find_if(non_finite.begin(), non_finite.end(), [&](const NonFinite& p) {
    return p.rank == rank && p.table == table;
  });
  if (same == non_finite.end()) {
    non_finite.push_back({rank, table, n_pushes});
  } else {
    same->n_pushes += n_pushes;
  }
}

namespace {

constexpr char kRequestName[] = "request for a lease";
constexpr char kLeaseName[] = "lease";

LeaseKind GetKind(ByteReader* in, const char* name) {
  const uint8_t kind = in->Get<uint8_t>();
  if (kind < static_cast<uint8_t>(LeaseKind::kRange) ||
      kind > static_cast<uint8_t>(LeaseKind::kResume))
    Fail(name, ": kind ", int{kind}, ", expected 1 to 4");
  return static_cast<LeaseKind>(kind);
}

bool GetBool(ByteReader* in, const char* name) {
  const uint8_t value = in->Get<uint8_t>();
  if (value > 1) Fail(name, ": a bool of ", int{value});
  return value == 1;
}

}  // namespace

std::string LeaseRequest::Serialize() const {
  ByteWriter out;
  out.Put(static_cast<uint8_t>(kind));
  switch (kind) {
    case LeaseKind::kRange:
      out.Put(epoch);
      out.Put(n_ranges);
      out.Put<uint8_t>(in_file_order);
      out.Put<uint8_t>(wants_more);
      out.PutArray<uint64_t>(finished);
      out.PutArray<uint64_t>(held);
      break;
    case LeaseKind::kTicket:
      break;
    case LeaseKind::kRound:
      out.Put(round);
      out.Put(n_slices);
      out.Put(slice_s);
      break;
    case LeaseKind::kResume:
      out.Put(epoch);
      out.Put(n_ranges);
      out.Put<uint8_t>(in_file_order);
      out.Put(next_ticket);
      out.Put<uint64_t>(done.size());
      for (const RangeDone& one : done) {
        out.Put(one.range);
        out.Put(one.n_batches);
        out.Put<uint8_t>(one.all);
      }
      break;
  }
  return out.Take();
}

LeaseRequest LeaseRequest::Parse(std::string_view bytes) {
  ByteReader in(bytes, kRequestName);
  LeaseRequest request;
  request.kind = GetKind(&in, kRequestName);
  switch (request.kind) {
    case LeaseKind::kRange:
      request.epoch = in.Get<uint64_t>();
      request.n_ranges = in.Get<uint64_t>();
      request.in_file_order = GetBool(&in, kRequestName);
      request.wants_more = GetBool(&in, kRequestName);
      request.finished = in.GetArray<uint64_t>();
      request.held = in.GetArray<uint64_t>();
      break;
    case LeaseKind::kTicket:
      break;
    case LeaseKind::kRound:
      request.round = in.Get<uint64_t>();
      request.n_slices = in.Get<uint32_t>();
      request.slice_s = in.Get<double>();
      break;
    case LeaseKind::kResume:
      request.epoch = in.Get<uint64_t>();
      request.n_ranges = in.Get<uint64_t>();
      request.in_file_order = GetBool(&in, kRequestName);
      request.next_ticket = in.Get<uint64_t>();
      for (uint64_t n = in.Get<uint64_t>(); n > 0; --n) {
        RangeDone& one = request.done.emplace_back();
        one.range = in.Get<uint64_t>();
        one.n_batches = in.Get<uint64_t>();
        one.all = GetBool(&in, kRequestName);
      }
      break;
  }
  if (!in.AtEnd()) Fail(kRequestName, ": bytes behind its end");
  return request;
}

std::string LeaseReply::Serialize() const {
  ByteWriter out;
  out.Put(static_cast<uint8_t>(kind));
  switch (kind) {
    case LeaseKind::kRange:
      out.Put<uint8_t>(range.has_value());
      if (range) out.Put(range->range);
      if (range) out.Put(range->n_before);
      if (range) out.Put(range->n_done);
      break;
    case LeaseKind::kTicket:
      out.Put(ticket);
      break;
    case LeaseKind::kRound:
      out.PutArray<uint32_t>(owners);
      break;
    case LeaseKind::kResume:
      break;
  }
  return out.Take();
}

LeaseReply LeaseReply::Parse(std::string_view bytes) {
  ByteReader in(bytes, kLeaseName);
  LeaseReply reply;
  reply.kind = GetKind(&in, kLeaseName);
  switch (reply.kind) {
    case LeaseKind::kRange:
      if (GetBool(&in, kLeaseName)) {
        reply.range.emplace();
        reply.range->range = in.Get<uint64_t>();
        reply.range->n_before = in.Get<uint64_t>();
        reply.range->n_done = in.Get<uint64_t>();
      }
      break;
    case LeaseKind::kTicket:
      reply.ticket = in.Get<uint64_t>();
      break;
    case LeaseKind::kRound:
      reply.owners = in.GetArray<uint32_t>();
      break;
    case LeaseKind::kResume:
      break;
  }
  if (!in.AtEnd()) Fail(kLeaseName, ": bytes behind its end");
  return reply;
}

}  // namespace zhiyin::ps
