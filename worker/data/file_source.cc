#include "worker/data/file_source.h"

#include <optional>
#include <string>
#include <utility>

#include "worker/data/pipe.h"

namespace zhiyin::worker::data {

void ExamplePlaces::Clear() {
  numbers_.clear();
  files_.clear();
}

void ExamplePlaces::Add(const std::string& path, int64_t number, int64_t n) {
  if (files_.empty() || files_.back().path != path)
    files_.push_back({static_cast<int64_t>(numbers_.size()), path});
  numbers_.insert(numbers_.end(), static_cast<size_t>(n), number);
}

std::string ExamplePlaces::Of(int64_t example) const {
  size_t file = files_.size() - 1;
  while (files_[file].first > example) --file;
  return files_[file].path + ":" + std::to_string(numbers_[static_cast<size_t>(example)]);
}

FileSource::FileSource(const Job& job, SplitKind split, LabelDomains labels,
                       ExampleParser::Observer observer, const Tick& tick, ReadCounts* counts,
                       const SideInputs& side)
    : is_shared_(!job.data().has_behaviour()),
      pipe_(data::IsPipe(SplitOf(job.data(), split)) ? SplitOf(job.data(), split).file(0) : ""),
      blocks_(OpenRecords(job, SplitOf(job.data(), split), UseOf(labels), tick, counts),
              SplitOf(job.data(), split)),
      assembler_(job, split, blocks_.records().columns(), std::move(labels), std::move(observer),
                 side.IsEmpty() ? ReadSideInputs(job, tick, counts) : side) {
  const Behaviour* behaviour = assembler_.behaviour();
  if (behaviour == nullptr || behaviour->file_begins().empty()) return;
  const std::span<const Records::Place> places = behaviour->places();
  blocks_.SetPlaces(behaviour->file_begins(), {places.begin(), places.end()}, {});
}

int64_t FileSource::Read(int64_t block, Examples* examples, std::vector<BadLine>* bad) {
  Clear(examples, bad);
  const int64_t n_block = blocks_.GoTo(block);
  Records& records = blocks_.records();
  int64_t i = 0;
  for (; i < n_block; ++i) {
    const int64_t n_before = examples->n;
    if (!AppendNext(&records, examples)) break;
    if (wrong_.empty()) {
      places_.Add(records.path(), records.number(), examples->n - n_before);
    } else {
      bad->push_back(
          {block * kBlockRecords + i, records.path() + ":", records.number(), wrong_, false});
    }
  }
  seen_ = records.TakeSeen();
  return i;
}

void FileSource::SetTick(Tick tick) {
  if (IsPipe()) SetPipeTick(pipe_, tick);
  blocks_.records().SetTick(std::move(tick));
}

void FileSource::Clear(Examples* examples, std::vector<BadLine>* bad) {
  *examples = assembler_.NewExamples();
  bad->clear();
  places_.Clear();
  n_examples_.clear();
}

bool FileSource::AppendNext(Records* records, Examples* examples) {
  const int64_t position = records->position();
  const int64_t n_before = examples->n;
  if (!records->Next(&record_)) return false;
  wrong_ = record_.wrong;
  if (wrong_.empty())
    wrong_ = assembler_.Append(position, records->path(), &record_.values, examples);
  n_examples_.push_back(static_cast<int32_t>(examples->n - n_before));
  return true;
}

void FileSource::BeginShare(const FileCut& begin, const FileCut& end, int64_t points_every) {
  share_ = blocks_.records().Between(begin, end);
  if (points_every > 0) share_->NotePoints(points_every);
  share_begin_ = begin;
  share_findings_ = ShareFindings();
  next_begin_ = begin.offset > 0 ? begin.file + 1 : begin.file;
}

int64_t FileSource::ReadOn(int64_t n_most, Examples* examples, std::vector<BadLine>* bad) {
  Clear(examples, bad);
  int64_t& n_records = share_findings_.n_records;
  int64_t i = 0;
  for (; i < n_most; ++i, ++n_records) {
    std::optional<Records::Place> place;
    // Nobody returns to a place in a pipe, which may be of any length.
    if (!IsPipe() && n_records % kPlaceEvery == 0) place = share_->place();
    if (!AppendNext(share_.get(), examples)) break;
    if (place.has_value()) share_findings_.places.push_back(*place);
    NoteBegins(share_->file() + 1, n_records);
    if (wrong_.empty()) continue;
    const bool is_relative = share_begin_.offset > 0 && share_->file() == share_begin_.file;
    bad->push_back({n_records, share_->path() + ":", share_->number(), wrong_, is_relative});
  }
  seen_ = share_->TakeSeen();
  return i;
}

void FileSource::NoteBegins(size_t end_file, int64_t first) {
  for (; next_begin_ < end_file; ++next_begin_)
    share_findings_.file_begins.emplace_back(next_begin_, first);
}

ShareFindings FileSource::EndShare() {
  share_findings_.ends = share_->ends();
  share_findings_.points = share_->TakePoints();
  const FileCut& end = share_findings_.ends.end;
  NoteBegins(end.offset > 0 ? end.file + 1 : end.file, share_findings_.n_records);
  return std::move(share_findings_);
}

}  // namespace zhiyin::worker::data
