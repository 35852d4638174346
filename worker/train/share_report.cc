#include "worker/train/share_report.h"

#include <algorithm>
#include <utility>

#include "common/bytes.h"
#include "worker/data/record_counts.h"

namespace zhiyin::worker::train {
namespace {

constexpr char kShareReportName[] = "a report of a share";
constexpr char kPlacesName[] = "places of records";
constexpr char kPointsName[] = "points of files";
/// What a point of a gzip has before it.
constexpr size_t kMaxWindowBytes = size_t{32} << 10;

void PutCut(const data::FileCut& cut, ByteWriter* out) {
  out->Put<uint64_t>(cut.file);
  out->Put(cut.offset);
}

data::FileCut GetCut(ByteReader* in) {
  data::FileCut cut;
  cut.file = in->Get<uint64_t>();
  cut.offset = in->Get<int64_t>();
  if (cut.offset < 0) in->Refuse("a place before the beginning of a file");
  return cut;
}

}  // namespace

// Format: i64 first_unit, i64 end_unit, i64 n_records; u64 file and i64 offset of the beginning,
// and of the end; i64 n_lines; u64 n_file_begins, for each u64 file and i64 record; u8 is_kept.
std::string ShareReport::Serialize() const {
  ByteWriter out;
  out.Put(first_unit);
  out.Put(end_unit);
  out.Put(findings.n_records);
  PutCut(findings.ends.begin, &out);
  PutCut(findings.ends.end, &out);
  out.Put(findings.ends.n_lines);
  out.Put<uint64_t>(findings.file_begins.size());
  for (const auto& [file, record] : findings.file_begins) {
    out.Put<uint64_t>(file);
    out.Put(record);
  }
  out.Put<uint8_t>(is_kept ? 1 : 0);
  return out.Take();
}

ShareReport ShareReport::Parse(std::string_view bytes) {
  ByteReader in(bytes, kShareReportName);
  ShareReport report;
  report.first_unit = in.Get<int64_t>();
  report.end_unit = in.Get<int64_t>();
  data::ShareFindings& findings = report.findings;
  findings.n_records = in.Get<int64_t>();
  if (report.first_unit < 0 || report.end_unit < report.first_unit || findings.n_records < 0 ||
      findings.n_records > data::RecordRuns::kMostRecords)
    in.Refuse("an impossible share");
  findings.ends.begin = GetCut(&in);
  findings.ends.end = GetCut(&in);
  findings.ends.n_lines = in.Get<int64_t>();
  if (findings.ends.n_lines < 0) in.Refuse("an impossible number of lines");
  for (uint64_t n = in.Get<uint64_t>(); n > 0; --n) {
    const uint64_t file = in.Get<uint64_t>();
    const int64_t record = in.Get<int64_t>();
    if (record < 0 || record > findings.n_records) in.Refuse("an impossible record");
    findings.file_begins.emplace_back(file, record);
  }
  report.is_kept = in.Get<uint8_t>() != 0;
  if (!in.AtEnd()) in.Refuse("not the last");
  return report;
}

std::vector<int64_t> DivideUnits(std::span<const data::Unit> units, int n_workers) {
  int64_t n_bytes = 0;
  for (const data::Unit& unit : units) n_bytes += unit.n_bytes;
  std::vector<int64_t> begins(static_cast<size_t>(n_workers) + 1);
  const int64_t n_units = static_cast<int64_t>(units.size());
  begins.back() = n_units;
  int64_t unit = 0;
  int64_t before = 0;  // bytes
  for (int64_t w = 1; w < n_workers; ++w) {
    const int64_t wanted = static_cast<int64_t>(static_cast<__int128>(n_bytes) * w / n_workers);
    // The cut that is nearest to an equal share.
    while (unit < n_units && before + units[static_cast<size_t>(unit)].n_bytes / 2 < wanted)
      before += units[static_cast<size_t>(unit++)].n_bytes;
    begins[static_cast<size_t>(w)] = unit;
  }
  return begins;
}

std::map<int, data::FileCut> MisreadShares(std::span<const ShareReport> reports) {
  std::map<int, data::FileCut> misread;
  const ShareReport* before = nullptr;
  for (size_t w = 0; w < reports.size(); ++w) {
    if (reports[w].first_unit == reports[w].end_unit) continue;
    const data::FileCut& begin = reports[w].findings.ends.begin;
    if (before != nullptr && before->findings.ends.end != begin)
      misread[static_cast<int>(w)] = before->findings.ends.end;
    before = &reports[w];
  }
  return misread;
}

void Thin(int64_t first, int64_t every, Places* places) {
  Places kept;
  for (size_t i = 0; i < places->size(); ++i) {
    const int64_t behind = std::max<int64_t>((*places)[i].position - first, 0);
    const int64_t before = first + behind / every * every;
    const int64_t next = first + (behind + every - 1) / every * every;
    const bool is_last = i + 1 == places->size() || (*places)[i + 1].position > next;
    const bool is_first = i > 0 && (*places)[i - 1].position < before;
    if (is_last || is_first) kept.push_back((*places)[i]);
  }
  *places = std::move(kept);
}

std::string SerializePlaces(const Places& places) {
  ByteWriter out;
  out.Put<uint64_t>(places.size());
  for (const data::Records::Place& place : places) {
    PutCut({place.file, place.in_file.offset}, &out);
    out.Put(place.position);
    out.Put(place.in_file.n_lines);
  }
  return out.Take();
}

/// Appends the places of SerializePlaces. Throws Error on bytes that it did not write, and on
/// places that are not behind those before.
void AppendPlaces(std::string_view bytes, size_t n_files, Places* places) {
  ByteReader in(bytes, kPlacesName);
  for (uint64_t n = in.Get<uint64_t>(); n > 0; --n) {
    const data::FileCut cut = GetCut(&in);
    const int64_t position = in.Get<int64_t>();
    const int64_t n_lines = in.Get<int64_t>();
    if (cut.file >= n_files || n_lines < 0 || position < 0 ||
        (!places->empty() && position <= places->back().position))
      in.Refuse("an impossible place");
    places->push_back({cut.file, position, {cut.offset, n_lines}});
  }
  if (!in.AtEnd()) in.Refuse("not the last");
}

// Format: u64 n_files; for each u64 file, u64 n_points; for each i64 n_in, i64 n_out, u8 n_bits, u8
// last_byte, string window.
std::string SerializePoints(const data::FilePoints& points) {
  ByteWriter out;
  out.Put<uint64_t>(points.size());
  for (const auto& [file, own] : points) {
    out.Put<uint64_t>(file);
    out.Put<uint64_t>(own.size());
    for (const data::SeekPoint& point : own) {
      out.Put(point.n_in);
      out.Put(point.n_out);
      out.Put(static_cast<uint8_t>(point.decoder.n_bits));
      out.Put(point.decoder.last_byte);
      out.PutString(point.decoder.window);
    }
  }
  return out.Take();
}

void AddPoints(std::string_view bytes, size_t n_files, data::FilePoints* points) {
  ByteReader in(bytes, kPointsName);
  for (uint64_t n_with = in.Get<uint64_t>(); n_with > 0; --n_with) {
    const uint64_t file = in.Get<uint64_t>();
    std::vector<data::SeekPoint> own;
    for (uint64_t n = in.Get<uint64_t>(); n > 0; --n) {
      data::SeekPoint point;
      point.n_in = in.Get<int64_t>();
      point.n_out = in.Get<int64_t>();
      point.decoder.n_bits = in.Get<uint8_t>();
      point.decoder.last_byte = in.Get<uint8_t>();
      point.decoder.window = in.GetString();
      const bool is_behind =
          own.empty() || (point.n_in > own.back().n_in && point.n_out >= own.back().n_out);
      if (point.n_in <= 0 || point.n_out < 0 || point.decoder.n_bits > 7 ||
          point.decoder.window.size() > kMaxWindowBytes || !is_behind)
        in.Refuse("an impossible point");
      own.push_back(std::move(point));
    }
    if (file >= n_files || !points->emplace(file, std::move(own)).second)
      in.Refuse("points of an impossible file");
  }
  if (!in.AtEnd()) in.Refuse("not the last");
}

}  // namespace zhiyin::worker::train
