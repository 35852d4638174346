#include "worker/train/split_pass.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/bytes.h"
#include "common/error.h"
#include "common/hash.h"
#include "worker/train/block_delivery.h"
#include "worker/train/read_apart.h"

namespace zhiyin::worker::train {
namespace {

constexpr char kReportsName[] = "a report of a share";
constexpr char kIndexName[] = "the index of a split";
/// A worker has so many points of compressed files to begin at, if there are so many workers; of
/// all files there are at most kMaxPoints, each with a window of 32 KiB.
constexpr int64_t kPointsPerWorker = 32;
constexpr int64_t kMaxPoints = 1024;
/// The most blocks around whose beginnings every worker remembers places; where there are more, not
/// each has some.
constexpr int64_t kMaxPlacedBlocks = 1 << 19;
constexpr int64_t kNoEnd = std::numeric_limits<int64_t>::max();
// Where a split is a part of its files, what is found in a share is kept for segments of so many
// records, or more where there are too many.
constexpr int64_t kSegmentRecords = 4096;
constexpr size_t kMaxSegments = 256;
/// The units that are read at first are likely to hold this many times the records that are wanted.
constexpr double kTimesLikely = 1.1;

}  // namespace

SplitPass::SplitPass(const Job& job, data::SplitKind split, data::Source* source,
                     int64_t n_kept_max, Wanted wanted, Group* group, int n_workers,
                     SplitIndexes* indexes)
    : job_(job),
      split_(split),
      source_(source),
      n_kept_max_(n_kept_max),
      wanted_(std::move(wanted)),
      group_(group),
      n_workers_(n_workers),
      indexes_(indexes),
      first_row_(data::SplitOf(job.data(), split).first_row()),
      end_row_(kNoEnd) {
  const int64_t n_rows = data::SplitOf(job.data(), split).n_rows();
  if (n_rows > 0 && n_rows < kNoEnd - first_row_) end_row_ = first_row_ + n_rows;
}

SharedFindings SplitPass::Read(const data::BlockDeal& deal, const data::SharedFiles* known) {
  data::SharedFiles* const files = source_->shared_files();
  SplitIndex index;
  if (files == nullptr) {
    ReadBlocks(deal);
  } else {
    units_ = files->Units();
    std::optional<SplitIndex> found = FindIndex();
    is_found_ = found.has_value();
    index = is_found_ ? std::move(*found) : ReadUnits(known);
    if (is_found_ && group_->IsChief()) findings_ = std::move(index.findings);
  }
  const bool sees_files = files == nullptr || !files->IsPipe() || group_->IsChief();
  SharedFindings shared = ShareFindings(findings_, job_, split_, group_, sees_files);
  counts_ = shared.records;
  if (files == nullptr) return shared;
  if (!is_found_ && counts_.n_records() != n_read())
    Fail(kReportsName, ": ", n_read(), " records in all, expected ", counts_.n_records());
  if (group_->IsChief() && indexes_ != nullptr && indexes_->Keeps(split_)) {
    index.findings = {shared.summary, counts_.Runs()};
    group_->WaitForDisk([&] { indexes_->Keep(split_, index.Serialize()); });
  }
  files->SetPlaces(index.file_begins, std::move(index.places), std::move(index.points));
  return shared;
}

std::optional<SplitIndex> SplitPass::FindIndex() {
  // All ranks must see files of the sizes that the chief sees, or places would be elsewhere.
  ByteWriter units;
  for (const data::Unit& unit : units_) {
    units.Put<uint64_t>(unit.begin.file);
    units.Put(unit.begin.offset);
    units.Put(unit.n_bytes);
  }
  const uint64_t digest = HashBytes(units.Take());
  ByteWriter from_chief;
  if (group_->IsChief()) {
    std::string found;
    if (indexes_ != nullptr) group_->WaitForDisk([&] { found = indexes_->Find(split_); });
    from_chief.Put(digest);
    from_chief.PutString(found);
  }
  const std::string told = group_->Broadcast(from_chief.Take(), "the index of a split");
  return FromRank(group_->RankOfWorker(0), [&]() -> std::optional<SplitIndex> {
    ByteReader in(told, kIndexName);
    const uint64_t digest_of_chief = in.Get<uint64_t>();
    const std::string bytes = in.GetString();
    if (!in.AtEnd()) in.Refuse("not the last");
    if (bytes.empty()) return {};
    if (digest_of_chief != digest) {
      Fail("data.", data::SplitName(split_), ": rank ", group_->RankOfWorker(0), " and rank ",
           group_->RankOfWorker(group_->worker()),
           " see files of different sizes, expected the same files at all ranks");
    }
    SplitIndex index = SplitIndex::Parse(bytes);
    if (index.file_begins.size() != units_.back().begin.file + 1)
      Fail(kIndexName, ": of ", index.file_begins.size(), " files, expected ",
           units_.back().begin.file + 1);
    const data::RecordCounts records(index.findings.records);
    is_apart_ = IsReadApart(index, {units_, first_row_, source_->shared_files()->CanJump()},
                            n_workers_, [&](int w) { return wanted_(records, w); });
    return index;
  });
}

void SplitPass::ChooseUnits(const data::SharedFiles* known) {
  file_begins_.assign(units_.back().begin.file + 1, -1);
  if (known != nullptr && known->FileBegins().size() == file_begins_.size()) {
    file_begins_ = known->FileBegins();
    BeginAt(known->PlaceBefore(first_row_));
  }
  PassCountedUnits();
}

SplitIndex SplitPass::ReadUnits(const data::SharedFiles* known) {
  ChooseUnits(known);
  points_every_ = PointsEvery();
  CollectFindings(ReadEnoughUnits());
  return SharePlaces();
}

int64_t SplitPass::ReadEnoughUnits() {
  double times = kTimesLikely;
  size_t n_units = EnoughUnits(times);
  while (true) {
    ReadShares(n_units);
    const int64_t n_lines_before = NumberShares();
    if (first_record_.back() >= end_row_ || n_units == units_.size()) return n_lines_before;
    times *= 4;
    n_units = std::max(EnoughUnits(times), n_units + 1);
  }
}

bool SplitPass::ReadFound() {
  ChooseUnits(source_->shared_files());
  const std::vector<int64_t> begins = ShareUnits(EnoughUnits(kTimesLikely));
  if (!IsAnyShareKept(units_, begins, counts_.n_examples(), n_kept_max_)) return false;
  ReadEnoughUnits();
  if (n_read() != counts_.n_records()) {
    Fail("data.", data::SplitName(split_), ": ", n_read(), " records, expected ",
         counts_.n_records(), " as its index says: files that stay as they are");
  }
  return true;
}

int64_t SplitPass::n_read() const {
  return std::clamp(first_record_.back(), first_row_, end_row_) - first_row_;
}

void SplitPass::ReadBlocks(const data::BlockDeal& deal) {
  const int worker = group_->worker();
  if (worker >= deal.n_parts) return;
  data::Examples examples;
  std::vector<data::BadLine> bad;
  int64_t n_kept = 0;
  for (int64_t block = 0;; ++block) {
    group_->SendHeartbeat();
    if (deal.WorkerOf(block) != worker) continue;
    const int64_t n_records = source_->Read(block, &examples, &bad);
    for (const data::BadLine& line : bad) CheckBadLine(line, job_.data());
    if (n_records == 0) return;
    findings_.Add(block, n_records, examples, bad, *source_);
    n_kept += examples.n;
    // A copy is just as large as it must be; what a source fills has grown in steps.
    if (n_kept <= n_kept_max_) blocks_.emplace(block, data::Examples(examples));
  }
}

bool SplitPass::is_part() const {
  return first_row_ > 0 || end_row_ < kNoEnd;
}

void SplitPass::BeginAt(const data::Records::Place& start) {
  const data::FileCut cut = {start.file, start.in_file.offset};
  if (cut == data::FileCut()) return;
  start_ = start;
  const auto first = std::upper_bound(units_.begin(), units_.end(), cut,
                                      [](const data::FileCut& at, const data::Unit& unit) {
                                        return at < unit.begin;
                                      }) -
                     1;
  units_.erase(units_.begin(), first);
  data::Unit& unit = units_.front();
  // A compressed file is decoded from its first byte on.
  if (unit.begin.file == cut.file && unit.is_plain) unit.n_bytes -= cut.offset - unit.begin.offset;
  unit.begin = cut;
}

void SplitPass::PassCountedUnits() {
  data::Records::Place at = start_;
  size_t n_passed = 0;
  for (; n_passed + 1 < units_.size(); ++n_passed) {
    const data::Unit& unit = units_[n_passed];
    if (unit.n_records < 0 || at.position + unit.n_records > first_row_) break;
    if (unit.begin.offset == 0) file_begins_[unit.begin.file] = at.position;
    const data::FileCut& next = units_[n_passed + 1].begin;
    at = {next.file, at.position + unit.n_records, {next.offset, next.offset}};
  }
  if (n_passed > 0) BeginAt(at);
}

size_t SplitPass::EnoughUnits(double times) const {
  if (end_row_ == kNoEnd) return units_.size();
  int64_t position = start_.position;
  for (size_t u = 0; u < units_.size() && units_[u].n_records >= 0; ++u) {
    position += units_[u].n_records;
    if (position >= end_row_) return u + 1;
  }
  const double record_bytes = source_->shared_files()->RecordBytes();
  if (record_bytes == 0) return units_.size();
  const double wanted = times * record_bytes * static_cast<double>(end_row_ - start_.position);
  double before = 0;
  size_t n = 0;
  while (n < units_.size() && before < wanted) before += static_cast<double>(units_[n++].n_bytes);
  return std::max<size_t>(n, 1);
}

data::FileCut SplitPass::CutOf(int64_t unit) const {
  if (unit < static_cast<int64_t>(units_.size())) return units_[static_cast<size_t>(unit)].begin;
  return {units_.back().begin.file + 1, 0};
}

std::vector<int64_t> SplitPass::ShareUnits(size_t n_units) const {
  if (!source_->shared_files()->IsPipe())
    return DivideUnits(std::span(units_).first(n_units), n_workers_);
  std::vector<int64_t> begins(static_cast<size_t>(n_workers_) + 1, static_cast<int64_t>(n_units));
  begins[0] = 0;
  return begins;
}

void SplitPass::CheckKept(int64_t n_examples) const {
  if (!source_->shared_files()->IsPipe() || n_examples <= job_.data().shuffle_rows()) return;
  Fail(data::SplitOf(job_.data(), split_).file(0), ": this pipe has more than ",
       job_.data().shuffle_rows(), " examples, and every worker keeps all of a pipe: expected at ",
       "most data.shuffle_rows of them, a larger data.shuffle_rows, data.one_pass, or files");
}

void SplitPass::ReadShares(size_t n_units) {
  const std::vector<int64_t> begins = ShareUnits(n_units);
  const size_t own = static_cast<size_t>(group_->worker());
  ShareReport report{begins[own], begins[own + 1], {}, true};
  const bool has_units = report.first_unit < report.end_unit;
  segments_.clear();
  std::map<int, data::FileCut> misread = {{group_->worker(), CutOf(report.first_unit)}};
  while (true) {
    if (const auto from = misread.find(group_->worker()); has_units && from != misread.end()) {
      ReadShare(from->second, CutOf(report.end_unit));
      report.findings = source_->shared_files()->EndShare();
      report.is_kept = is_kept_;
    }
    // All workers are told all reports, and so agree on what is to be read again.
    const std::vector<std::string> gathered =
        group_->Gather(report.Serialize(), "its report of its share of the data");
    ByteWriter all;
    for (const std::string& bytes : gathered) all.PutString(bytes);
    const std::string told = group_->Broadcast(all.Take(), "the reports of all shares");
    ByteReader in(told, kReportsName);
    reports_.clear();
    for (int w = 0; w < n_workers_; ++w) {
      reports_.push_back(
          FromRank(group_->RankOfWorker(w), [&] { return ShareReport::Parse(in.GetString()); }));
      const size_t at = static_cast<size_t>(w);
      if (reports_[at].first_unit != begins[at] || reports_[at].end_unit != begins[at + 1])
        Fail("rank ", group_->RankOfWorker(w), ": a report of the units from ",
             reports_[at].first_unit, " to ", reports_[at].end_unit, ", expected ", begins[at],
             " to ", begins[at + 1], ": do all ranks see files of equal sizes?");
    }
    misread = MisreadShares(reports_);
    if (misread.empty()) break;
  }
  places_ = std::move(report.findings.places);
  points_ = std::move(report.findings.points);
}

int64_t SplitPass::PointsEvery() const {
  // No byte of a compressed file is left out, so there are no more points than are wanted.
  int64_t n_bytes = 0;
  for (const data::Unit& unit : units_) n_bytes += unit.n_bytes;
  const int64_t n_points = std::min(kPointsPerWorker * std::max(n_workers_, 4), kMaxPoints);
  return n_bytes / n_points + 1;
}

void SplitPass::ReadShare(const data::FileCut& begin, const data::FileCut& end) {
  segments_.assign(1, {});
  segment_records_ = is_part() ? kSegmentRecords : kNoEnd;
  records_ = data::ShareRecords();
  is_kept_ = true;
  data::SharedFiles* const files = source_->shared_files();
  files->BeginShare(begin, end, points_every_);
  data::Examples examples;
  std::vector<data::BadLine> bad;
  while (const int64_t n_records = files->ReadOn(data::kBlockRecords, &examples, &bad)) {
    group_->SendHeartbeat();
    for (const data::BadLine& line : bad) {
      if (!is_part() && !line.is_relative) CheckBadLine(line, job_.data());
    }
    if (!is_found_) AddToSegments(n_records, examples, bad);
    CheckKept(records_.n_examples() + examples.n);
    is_kept_ = is_kept_ && records_.n_examples() + examples.n - n_kept_max_ <= n_kept_max_;
    if (is_kept_) {
      // A copy is just as large as it must be; what a source fills has grown in steps.
      records_.Append(data::Examples(examples), source_->n_examples_of_records());
    } else {
      records_ = data::ShareRecords();
    }
  }
}

void SplitPass::AddToSegments(int64_t n_records, const data::Examples& examples,
                              std::span<const data::BadLine> bad) {
  const int64_t first = segments_.back().findings.records.n_records();
  if (first - segments_.back().first >= segment_records_) {
    if (segments_.size() == kMaxSegments) {
      for (size_t s = 0; s < kMaxSegments; s += 2) {
        segments_[s].findings.AddNext(segments_[s + 1].findings);
        if (s > 0) segments_[s / 2] = std::move(segments_[s]);
      }
      segments_.resize(kMaxSegments / 2);
      segment_records_ *= 2;
    }
    segments_.push_back({first, {}});
    segments_.back().findings.records.SkipTo(first);
  }
  segments_.back().findings.AddOfShare(n_records, examples, bad, *source_);
}

int64_t SplitPass::NumberShares() {
  first_record_.assign(1, start_.position);
  // The lines that the shares so far have of the file that they end within.
  int64_t n_lines = start_.in_file.n_lines;
  int64_t n_lines_before_own = 0;
  for (const ShareReport& report : reports_) {
    const bool is_own = first_record_.size() == static_cast<size_t>(group_->worker()) + 1;
    first_record_.push_back(first_record_.back() + report.findings.n_records);
    if (report.first_unit == report.end_unit) continue;
    const data::ShareEnds& ends = report.findings.ends;
    if (ends.begin.offset == 0) n_lines = 0;
    if (is_own) n_lines_before_own = n_lines;
    n_lines = (ends.begin.file == ends.end.file ? n_lines : 0) + ends.n_lines;
  }
  const size_t own = static_cast<size_t>(group_->worker());
  const data::FileCut& begin = reports_[own].findings.ends.begin;
  for (data::Records::Place& place : places_) {
    place.position += first_record_[own];
    if (place.file == begin.file) place.in_file.n_lines += n_lines_before_own;
  }
  return n_lines_before_own;
}

void SplitPass::CollectFindings(int64_t n_lines_before) {
  findings_ = data::SplitFindings();
  const int64_t first_of_share = first_record_[static_cast<size_t>(group_->worker())];
  for (const Segment& segment : segments_) {
    const int64_t begin = first_of_share + segment.first;
    const int64_t end = first_of_share + segment.findings.records.n_records();
    const int64_t begin_in_split = std::max(begin, first_row_);
    const int64_t end_in_split = std::min(end, end_row_);
    if (begin_in_split >= end_in_split) continue;
    if (begin_in_split == begin && end_in_split == end) {
      findings_.AddNext(segment.findings);
    } else {
      findings_.AddNext(ReadAgain(begin_in_split, end_in_split, n_lines_before));
    }
  }
  findings_.Renumber(first_of_share - first_row_, n_lines_before);
  for (const auto& [row, line] : findings_.summary.first_bad) CheckBadLine(line, job_.data());
}

data::SplitFindings SplitPass::ReadAgain(int64_t begin, int64_t end, int64_t n_lines_before) {
  const ShareReport& report = reports_[static_cast<size_t>(group_->worker())];
  const int64_t first_of_share = first_record_[static_cast<size_t>(group_->worker())];
  // The nearest place before: the beginning of the share, of a file, or one that was noted.
  const data::FileCut& share_begin = report.findings.ends.begin;
  data::Records::Place from = {
      share_begin.file, first_of_share, {share_begin.offset, n_lines_before}};
  for (const auto& [file, record] : report.findings.file_begins) {
    if (first_of_share + record <= begin) from = {file, first_of_share + record, {}};
  }
  int64_t position = start_.position;
  for (size_t u = 0; u < units_.size() && units_[u].n_records >= 0 && position <= begin; ++u) {
    const data::FileCut& cut = units_[u].begin;
    if (position > from.position) from = {cut.file, position, {cut.offset, cut.offset}};
    position += units_[u].n_records;
  }
  data::FileCut until = CutOf(report.end_unit);
  for (const data::Records::Place& place : places_) {
    if (place.position <= begin && place.position > from.position) from = place;
    if (place.position >= end) {
      until = {place.file, place.in_file.offset};
      break;
    }
  }
  data::SharedFiles* const files = source_->shared_files();
  files->BeginShare({from.file, from.in_file.offset}, until, /*points_every=*/0);
  data::SplitFindings found;
  found.records.SkipTo(begin - from.position);
  data::Examples examples;
  std::vector<data::BadLine> bad;
  for (int64_t record = from.position; record < end;) {
    const int64_t n_most = std::min((record < begin ? begin : end) - record, data::kBlockRecords);
    const int64_t n = files->ReadOn(n_most, &examples, &bad);
    if (n == 0)
      Fail("data.", data::SplitName(split_), ": ends with record ", record, ", expected ", end,
           " as when it was read before: files that stay as they are");
    group_->SendHeartbeat();
    if (record >= begin) found.AddOfShare(n, examples, bad, *source_);
    record += n;
  }
  found.Renumber(from.position - first_of_share, from.in_file.n_lines);
  return found;
}

SplitIndex SplitPass::SharePlaces() {
  const int64_t n_blocks =
      (first_record_.back() - start_.position + data::kBlockRecords - 1) / data::kBlockRecords;
  Thin(first_row_,
       data::kBlockRecords *
           std::max<int64_t>((n_blocks + kMaxPlacedBlocks - 1) / kMaxPlacedBlocks, 1),
       &places_);
  for (size_t w = 0; w < reports_.size(); ++w) {
    for (const auto& [file, record] : reports_[w].findings.file_begins) {
      if (file >= file_begins_.size())
        Fail(kReportsName, ": file ", file, " begins, of ", file_begins_.size());
      file_begins_[file] = first_record_[w] + record;
    }
  }
  const std::vector<std::string> gathered =
      group_->Gather(SerializePlaces(places_), "the places of its records");
  SplitIndex index;
  index.file_begins = file_begins_;
  for (size_t w = 0; w < gathered.size(); ++w) {
    FromRank(group_->RankOfWorker(static_cast<int>(w)),
             [&] { AppendPlaces(gathered[w], file_begins_.size(), &index.places); });
  }
  const std::string told =
      group_->Broadcast(SerializePlaces(index.places), "the places of all records");
  index.places.clear();
  FromRank(group_->RankOfWorker(0),
           [&] { AppendPlaces(told, file_begins_.size(), &index.places); });
  index.points = SharePoints();
  return index;
}

data::FilePoints SplitPass::SharePoints() {
  const std::vector<std::string> gathered =
      group_->Gather(SerializePoints(points_), "the points of its files");
  data::FilePoints all;
  for (size_t w = 0; w < gathered.size(); ++w) {
    FromRank(group_->RankOfWorker(static_cast<int>(w)),
             [&] { AddPoints(gathered[w], file_begins_.size(), &all); });
  }
  const std::string told = group_->Broadcast(SerializePoints(all), "the points of all files");
  all.clear();
  FromRank(group_->RankOfWorker(0), [&] { AddPoints(told, file_begins_.size(), &all); });
  return all;
}

void SplitPass::Deliver(const std::function<void(int64_t block, data::Examples examples)>& keep) {
  if (is_shared()) {
    if (is_found_ && (is_apart_ || !ReadFound())) return;
    std::vector<bool> is_kept;
    for (const ShareReport& report : reports_) is_kept.push_back(report.is_kept);
    DeliverBlocks(
        {job_, counts_, first_row_, first_record_, is_kept, &records_, n_kept_max_},
        [this](int w) { return wanted_(counts_, w); }, keep, group_);
    records_ = data::ShareRecords();
    return;
  }
  for (auto& [block, examples] : blocks_) keep(block, std::move(examples));
  blocks_.clear();
}

}  // namespace zhiyin::worker::train
