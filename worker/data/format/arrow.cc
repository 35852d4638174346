// Parquet and Arrow IPC (files and streams), by the plugin.
#include <cstring>
#include <utility>

#include "common/error.h"
#include "worker/data/file_bytes.h"
#include "worker/data/format/arrow_library.h"
#include "worker/data/format/arrow_records.h"
#include "worker/data/format/arrow_type.h"
#include "worker/data/format/format.h"
#include "worker/data/remote_file.h"

namespace zhiyin::worker::data {
namespace {

/// The memory that the plugin may use for one file. One batch of Parquet takes a small part of it;
/// Arrow IPC is read by the batches that its writer has made.
constexpr int64_t kMaxArrowBytes = int64_t{4} << 30;
constexpr size_t kMaxArrowErrorBytes = 2048;
/// More than a writer makes of a file.
constexpr int64_t kMostGroups = 1 << 16;

constexpr std::string_view kParquet = "PAR1";
constexpr std::string_view kEncryptedParquet = "PARE";
constexpr std::string_view kIpcFile = "ARROW1";
constexpr std::string_view kFeather1 = "FEA1";

int32_t Int32At(std::string_view bytes, size_t at) {
  int32_t number = 0;
  std::memcpy(&number, bytes.data() + at, sizeof(number));
  return number;
}

/// Whether a file begins as a stream of Arrow IPC does: with the length of the schema and its
/// flatbuffer, which begins with the position of its root.
bool IsIpcStream(std::string_view start) {
  constexpr int32_t kMaxSchemaBytes = 64 << 20;
  if (!start.starts_with("\xff\xff\xff\xff") || start.size() < 12) return false;
  const int32_t n_bytes = Int32At(start, 4);
  const int32_t root = Int32At(start, 8);
  return n_bytes > 0 && n_bytes <= kMaxSchemaBytes && n_bytes % 8 == 0 && root > 0 &&
         root < n_bytes;
}

bool RecognisesArrow(std::string_view start) {
  return start.starts_with(kParquet) || start.starts_with(kEncryptedParquet) ||
         start.starts_with(kIpcFile) || start.starts_with(kFeather1) || IsIpcStream(start);
}

/// A file that the plugin reads.
class PluginTable : public ArrowTable {
 public:
  PluginTable(std::string path, const FileStamp& stamp, const ZhiyinArrowPlugin& plugin)
      : path_(std::move(path)),
        stamp_(stamp),
        plugin_(plugin),
        remote_(IsRemote(path_) ? OpenRemoteFile(path_) : nullptr) {
    char error[kMaxArrowErrorBytes] = "";
    if (plugin_.open(path_.c_str(), kMaxArrowBytes, &file_, error, sizeof(error)) != 0)
      Refuse(error);
    if (plugin_.schema(file_, schema_.Fill(), error, sizeof(error)) != 0) {
      plugin_.close(file_);
      Refuse(error);
    }
  }
  ~PluginTable() override { plugin_.close(file_); }
  PluginTable(const PluginTable&) = delete;
  PluginTable& operator=(const PluginTable&) = delete;

  const std::string& path() const override { return path_; }
  const ArrowSchema& schema() override { return *schema_; }

  std::vector<int64_t> GroupRows() override {
    std::vector<int64_t> rows;
    for (int64_t i = 0; i < plugin_.n_groups(file_); ++i)
      rows.push_back(plugin_.group(file_, i).n_rows);
    return rows;
  }
  /// Its groups; none where the numbers of their rows are not known, and for an impossible number
  /// of groups.
  std::vector<FilePart> Groups() {
    const int64_t n = plugin_.n_groups(file_);
    std::vector<FilePart> groups;
    for (int64_t i = 0; i < n && n <= kMostGroups; ++i) {
      const ZhiyinArrowGroup group = plugin_.group(file_, i);
      if (group.n_rows < 0) return {};
      groups.push_back({group.n_rows, group.end - group.begin});
    }
    return groups;
  }

  ArrowOwned<ArrowArrayStream> Read(std::span<const int32_t> columns,
                                    int64_t first_group) override {
    ArrowOwned<ArrowArrayStream> stream;
    char error[kMaxArrowErrorBytes] = "";
    const int64_t n_groups = plugin_.n_groups(file_) - first_group;
    if (plugin_.read(file_, columns.data(), static_cast<int64_t>(columns.size()), first_group,
                     n_groups, stream.Fill(), error, sizeof(error)) != 0)
      Refuse(error);
    return stream;
  }

  void CheckUnchanged() override {
    const FileStamp now = remote_ == nullptr ? FileBytes(path_).stamp() : remote_->Stamp();
    if (now != stamp_)
      Fail(path_, ": has changed since it was opened, expected it to stay as it is");
  }

 private:
  /// Throws Error with what the plugin says.
  [[noreturn]] void Refuse(const char* error) {
    CheckUnchanged();
    Fail(path_, ": ", error);
  }

  std::string path_;
  FileStamp stamp_;
  const ZhiyinArrowPlugin& plugin_;
  const std::unique_ptr<RawFile> remote_;  // null for a file of this host
  ZhiyinArrowFile* file_ = nullptr;
  ArrowOwned<ArrowSchema> schema_;
};

std::unique_ptr<PluginTable> OpenPluginTable(const std::string& path, ReadCounts* counts) {
  FileBytes file(path, counts);
  char magic[6] = {};
  const std::string_view start(magic, file.Read(magic, sizeof(magic)));
  const char* name = start.starts_with("PAR") ? "Parquet" : "Arrow IPC";
  if (file.IsPipe()) Fail(path, ": is ", name, ", which is not read from a pipe, expected a file");
  if (!file.IsPlain())
    Fail(path, ": is ", name, " within gzip, expected the file itself, which \"gunzip\" makes");
  if (start.starts_with(kEncryptedParquet))
    Fail(path, ": is encrypted Parquet, expected Parquet that is not encrypted");
  if (start.starts_with(kFeather1))
    Fail(path, ": is Feather of version 1, expected Arrow IPC, which is version 2");
  const ArrowLibrary library = LoadArrowLibrary();
  if (library.plugin == nullptr) Fail(path, ": is ", name, ", which ", library.trouble);
  return std::make_unique<PluginTable>(path, file.stamp(), *library.plugin);
}

std::unique_ptr<RecordReader> OpenArrow(const std::string& path, const Text&,
                                        std::span<const WantedColumn> wanted, ReadCounts* counts) {
  return ReadArrowRecords(OpenPluginTable(path, counts), wanted);
}

std::vector<std::string> ArrowNames(const std::string& path, const Text&) {
  return NamesOfArrowColumns(ArrowTypeOf(OpenPluginTable(path, /*counts=*/nullptr)->schema()));
}

std::vector<FilePart> ArrowParts(const std::string& path) {
  return OpenPluginTable(path, /*counts=*/nullptr)->Groups();
}

}  // namespace

const Format kArrow = {
    "Parquet or Arrow IPC", RecognisesArrow, nullptr, OpenArrow, ArrowNames, ArrowParts};

}  // namespace zhiyin::worker::data
