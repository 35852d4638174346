#include "worker/train/split_indexes.h"

#include <glog/logging.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/bytes.h"
#include "common/error.h"
#include "common/file.h"
#include "common/hash.h"

namespace zhiyin::worker::train {
namespace {

constexpr char kExtension[] = ".index";
constexpr char kName[] = "the index of a split";
/// Raised whenever the content of an index changes, or what examples are read from equal files.
constexpr int kVersion = 1;
constexpr int64_t kMaxIndexBytes = int64_t{1} << 30;
constexpr size_t kMaxFiles = size_t{1} << 24;

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
  data->clear_validation();
  data->clear_test();
  *data->mutable_train() = data::SplitOf(job.data(), split);
  // Equal messages of one version of the program have equal bytes: they have no map.
  return read.SerializeAsString();
}

std::string IndexFolderOf(const std::filesystem::path& output) {
  return (output / "index").string();
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
  std::error_code none;
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(IndexFolderOf(output), none)) {
    if (entry.path().extension() == kExtension) found.push_back(entry.path());
  }
  for (const std::string& path : found) RemoveFile(path);
}

SplitIndexes::SplitIndexes(const Job& job, IndexFolders folders, Tick tick)
    : job_(job), folders_(std::move(folders)), tick_(std::move(tick)) {}

const std::vector<data::FileDigest>& SplitIndexes::DigestsOf(data::SplitKind split) {
  std::vector<std::string> paths = data::FilesOf(job_.data(), split);
  const auto known = digests_.find(paths);
  if (known != digests_.end()) return known->second;
  std::vector<data::FileDigest> digests = data::DigestFiles(paths, tick_);
  return digests_.emplace(std::move(paths), std::move(digests)).first->second;
}

const std::string& SplitIndexes::NameOf(data::SplitKind split) {
  std::string& name = names_[split];
  if (!name.empty()) return name;
  ByteWriter all;
  all.PutString(ZHIYIN_VERSION);
  all.Put(kVersion);
  all.PutString(WhatIsRead(job_, split));
  for (const data::FileDigest& file : DigestsOf(split)) {
    all.PutString(file.path);
    all.Put(file.n_bytes);
    all.Put(file.digest);
    std::error_code none;
    const auto changed = std::filesystem::last_write_time(file.path, none);
    all.Put<int64_t>(changed.time_since_epoch().count());
  }
  char digest[24];
  std::snprintf(digest, sizeof(digest), "-%016" PRIx64, HashBytes(all.Take()));
  return name = data::SplitName(split) + std::string(digest) + kExtension;
}

// A file is the bytes of an index, then their XXH3, seeded with that of the name.
std::string SplitIndexes::Find(data::SplitKind split) {
  if (folders_.read.empty()) return "";
  const std::string& name = NameOf(split);
  for (const std::string& folder : folders_.read) {
    const std::string path = folder + "/" + name;
    std::error_code none;
    if (!std::filesystem::exists(path, none)) continue;
    try {
      std::string bytes = ReadWholeFile(path, kMaxIndexBytes);
      uint64_t expected = 0;
      if (bytes.size() < sizeof(expected)) Fail(path, ": damaged");
      const size_t n = bytes.size() - sizeof(expected);
      std::memcpy(&expected, bytes.data() + n, sizeof(expected));
      bytes.resize(n);
      if (HashBytes(bytes, HashBytes(name)) != expected) Fail(path, ": damaged");
      return bytes;
    } catch (const Error& e) {
      LOG(WARNING) << e.what() << ": data." << data::SplitName(split)
                   << " has a first pass as if this index were not there";
    }
  }
  return "";
}

void SplitIndexes::Keep(data::SplitKind split, std::string_view bytes) {
  if (folders_.kept.empty()) return;
  const std::string& name = NameOf(split);
  std::string content(bytes);
  const uint64_t check = HashBytes(bytes, HashBytes(name));
  content.append(reinterpret_cast<const char*>(&check), sizeof(check));
  for (const std::string& folder : folders_.kept) {
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
