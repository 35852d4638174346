#include "worker/train/split_indexes.h"

#include <glog/logging.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "common/bytes.h"
#include "common/error.h"
#include "common/file.h"
#include "common/hash.h"
#include "worker/data/format/arrow_library.h"
#include "worker/data/format/format.h"
#include "worker/data/format_records.h"
#include "worker/data/pipe.h"
#include "worker/data/remote_file.h"

namespace zhiyin::worker::train {
namespace {

// A folder of data does not count files whose names begin with _ among its own.
constexpr char kPrefix[] = "_";
constexpr char kExtension[] = ".index";
constexpr char kName[] = "the index of a split";
constexpr int64_t kMaxIndexBytes = int64_t{1} << 30;
constexpr size_t kMaxFiles = size_t{1} << 24;

/// The digest of files with code; nullopt for none, and where one cannot be read.
std::optional<uint64_t> DigestOfPrograms(const std::vector<std::string>& paths) {
  constexpr int64_t kMaxBytes = int64_t{1} << 30;
  if (paths.empty()) return {};
  ByteWriter digests;
  try {
    for (const std::string& path : paths) digests.Put(HashBytes(ReadWholeFile(path, kMaxBytes)));
  } catch (const Error&) {
    return {};
  }
  return HashBytes(digests.Take());
}

/// Whether the plugin for Parquet and Arrow IPC reads files of a split or a join.
bool ReadsWithPlugin(const Data& data, data::SplitKind split, const Tick& tick) {
  return data::FormatOfFiles(data, data::SplitOf(data, split), tick) == &data::kArrow ||
         std::ranges::any_of(data.join(), [&](const Join& join) {
           return data::FormatOfJoin(join, tick) == &data::kArrow;
         });
}

/// The digest of what reads the files of a split and the joins, the plugin for Parquet and Arrow
/// IPC included; nullopt where that cannot be read.
std::optional<uint64_t> DigestOfReader(const Data& data, data::SplitKind split, const Tick& tick) {
  static const std::optional<uint64_t> program = DigestOfPrograms({"/proc/self/exe"});
  if (!ReadsWithPlugin(data, split, tick)) return program;
  static const std::optional<uint64_t> plugin = DigestOfPrograms(data::LoadArrowLibrary().files);
  if (!program || !plugin) return {};
  ByteWriter both;
  both.Put(*program);
  both.Put(*plugin);
  return HashBytes(both.Take());
}

/// The time of the last change of a file.
int64_t TimeOf(const std::string& path) {
  if (data::IsRemote(path)) return data::OpenRawFile(path)->Stamp().mtime_ns;
  std::error_code none;
  return std::filesystem::last_write_time(path, none).time_since_epoch().count();
}

/// The parts of a job that say which examples a split has.
std::string WhatIsRead(const Job& job, data::SplitKind split) {
  Job read;
  *read.mutable_data() = job.data();
  *read.mutable_field() = job.field();
  *read.mutable_numeric() = job.numeric();
  *read.mutable_task() = job.task();
  Data* const data = read.mutable_data();
  data->clear_index();
  data->clear_max_bad_share();
  data->clear_shuffle_rows();
  data->clear_statistics();
  data->clear_one_pass();
  data->clear_validation();
  data->clear_test();
  *data->mutable_train() = data::SplitOf(job.data(), split);
  // An index has the statistics of the whole split, whatever training begins with.
  for (Numeric& numeric : *read.mutable_numeric()) {
    numeric.clear_mean();
    numeric.clear_stddev();
  }
  for (Task& task : *read.mutable_task()) task.clear_label_mean();
  // Equal messages of one version of the program have equal bytes: they have no map.
  return read.SerializeAsString();
}

std::string IndexFolderOf(const std::filesystem::path& output) {
  return (output / "index").string();
}

std::string BeginOfName(data::SplitKind split) {
  return kPrefix + std::string(data::SplitName(split)) + "-";
}

/// The names of the indexes in a folder, and of what is left of those whose writer was killed.
std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(kPrefix) && name.find(kExtension) != name.npos) names.push_back(name);
  }
  return names;
}

void AddFolderOfJob(const Job& job, IndexFolders* folders) {
  if (job.data().index().empty()) return;
  folders->read.push_back(job.data().index());
  folders->kept.push_back(job.data().index());
}

}  // namespace

std::string SplitIndex::Serialize() const {
  ByteWriter out;
  out.PutString(findings.Serialize());
  out.PutArray<int64_t>(file_begins);
  out.PutString(SerializePlaces(places));
  out.PutString(SerializePoints(points));
  return out.Take();
}

SplitIndex SplitIndex::Parse(std::string_view bytes) {
  ByteReader in(bytes, kName);
  SplitIndex index;
  const std::string findings = in.GetString();
  index.file_begins = in.GetArray<int64_t>();
  const size_t n_files = index.file_begins.size();
  if (n_files == 0 || n_files > kMaxFiles)
    in.Refuse("the beginnings of an impossible number of files");
  int64_t last = -1;
  for (const int64_t begin : index.file_begins) {
    if (begin >= 0 && begin < last) in.Refuse("the beginnings of files in another order");
    last = std::max(last, begin);
  }
  const std::string places = in.GetString();
  const std::string points = in.GetString();
  if (!in.AtEnd()) in.Refuse("not the last");
  try {
    index.findings = data::SplitFindings::Parse(findings);
    if (index.findings.records.n_read() != index.findings.records.n_records())
      Fail("some records were not read");
    AppendPlaces(places, n_files, &index.places);
    AddPoints(points, n_files, &index.points);
  } catch (const Error& e) {
    Fail(kName, ": ", e.what());
  }
  return index;
}

IndexFolders FoldersOfTraining(const Job& job, const std::string& output) {
  IndexFolders folders;
  AddFolderOfJob(job, &folders);
  if (output.empty()) return folders;
  folders.read.push_back(IndexFolderOf(output));
  folders.kept.push_back(IndexFolderOf(output));
  return folders;
}

IndexFolders FoldersOfEvaluation(const Job& job, const std::string& rows) {
  IndexFolders folders;
  AddFolderOfJob(job, &folders);
  if (rows.empty()) return folders;
  // OUTPUT/model or OUTPUT/checkpoints/step-N.
  const std::filesystem::path parent = std::filesystem::path(rows).parent_path();
  folders.read.push_back(IndexFolderOf(parent));
  folders.read.push_back(IndexFolderOf(parent.parent_path()));
  return folders;
}

void RemoveIndexes(const std::string& output) {
  const std::string folder = IndexFolderOf(output);
  for (const std::string& name : NamesIn(folder)) RemoveFile(folder + "/" + name);
}

SplitIndexes::SplitIndexes(const Job& job, IndexFolders folders,
                           std::span<const data::SplitKind> splits, Tick tick)
    : job_(job), folders_(std::move(folders)), tick_(std::move(tick)) {
  if (!job.data().has_text() || job.data().has_behaviour()) return;
  for (const data::SplitKind split : splits) {
    if (folders_.kept.empty() && !HasAny(split)) continue;
    if (data::IsPipe(data::SplitOf(job.data(), split))) continue;
    const std::string name = MakeName(split);
    if (!name.empty()) names_[split] = name;
  }
}

std::vector<data::FileDigest> SplitIndexes::DigestsOf(data::SplitKind split) {
  const std::vector<std::string> paths = data::FilesOf(job_.data(), split);
  const int64_t n_sampled = data::SampledBytes(paths.size());
  std::vector<data::FileDigest> digests;
  for (const std::string& path : paths) {
    if (data::IsPipe(path)) continue;
    auto& known = digests_[{path, n_sampled}];
    if (known.path.empty()) known = data::DigestOf(path, n_sampled, tick_);
    digests.push_back(known);
  }
  return digests;
}

bool SplitIndexes::HasAny(data::SplitKind split) const {
  return std::ranges::any_of(folders_.read, [&](const std::string& folder) {
    return std::ranges::any_of(NamesIn(folder), [&](const std::string& name) {
      return name.starts_with(BeginOfName(split));
    });
  });
}

std::string SplitIndexes::MakeName(data::SplitKind split) {
  const std::optional<uint64_t> reader = DigestOfReader(job_.data(), split, tick_);
  if (!reader) return "";
  ByteWriter all;
  all.Put(*reader);
  all.PutString(WhatIsRead(job_, split));
  for (const data::FileDigest& file : DigestsOf(split)) {
    tick_();
    all.PutString(file.path);
    all.Put(file.n_bytes);
    all.Put(file.digest);
    all.Put(TimeOf(file.path));
  }
  char digest[24];
  std::snprintf(digest, sizeof(digest), "%016" PRIx64, HashBytes(all.Take()));
  return BeginOfName(split) + digest + kExtension;
}

// A file is the bytes of an index, then their XXH3, seeded with that of the name.
std::string SplitIndexes::Find(data::SplitKind split) {
  const auto named = names_.find(split);
  if (named == names_.end()) return "";
  const std::string& name = named->second;
  for (const std::string& folder : folders_.read) {
    const std::string path = folder + "/" + name;
    std::error_code none;
    if (!std::filesystem::exists(path, none)) continue;
    try {
      std::string bytes = ReadWholeFile(path, kMaxIndexBytes);
      uint64_t expected = 0;
      if (bytes.size() < sizeof(expected)) Fail("damaged");
      const size_t n = bytes.size() - sizeof(expected);
      std::memcpy(&expected, bytes.data() + n, sizeof(expected));
      bytes.resize(n);
      if (HashBytes(bytes, HashBytes(name)) != expected) Fail("damaged");
      SplitIndex::Parse(bytes);
      found_in_[split] = folder;
      return bytes;
    } catch (const Error& e) {
      LOG(WARNING) << path << ": " << e.what() << ": data." << data::SplitName(split)
                   << " has a first pass as if this index were not there";
    }
  }
  return "";
}

bool SplitIndexes::Keeps(data::SplitKind split) const {
  const auto found = found_in_.find(split);
  return names_.contains(split) &&
         std::ranges::any_of(folders_.kept, [&](const std::string& folder) {
           return found == found_in_.end() || folder != found->second;
         });
}

void SplitIndexes::Keep(data::SplitKind split, std::string_view bytes) {
  if (!Keeps(split)) return;
  const std::string& name = names_.at(split);
  std::string content(bytes);
  const uint64_t check = HashBytes(bytes, HashBytes(name));
  content.append(reinterpret_cast<const char*>(&check), sizeof(check));
  for (const std::string& folder : folders_.kept) {
    if (const auto found = found_in_.find(split);
        found != found_in_.end() && found->second == folder)
      continue;
    try {
      MakeFolder(folder);
      ReplaceFile(folder + "/" + name, content);
    } catch (const Error& e) {
      LOG(WARNING) << e.what() << ": later jobs need a first pass over data."
                   << data::SplitName(split) << ", too";
    }
  }
}

}  // namespace zhiyin::worker::train
