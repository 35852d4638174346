// The formats of files whose records name their values.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/file_bytes.h"
#include "worker/data/format/record_reader.h"

namespace zhiyin::worker::data {

/// A part of a file that can be read without those before it, as a row group of Parquet.
struct FilePart {
  int64_t n_records = 0;
  int64_t n_bytes = 0;  // on disk
};

/// A format. Its algorithm is in the file that defines the constant.
struct Format {
  const char* name;  // for messages and data.columns.format: "JSON Lines"
  /// Whether a file that begins with these bytes is of this format (FileStart::bytes).
  bool (*recognises)(std::string_view start);
  /// For a format whose columns have names of its own, as the index 3, so that no file of another
  /// one has them: whether a file may begin so that is expected to be of this format. Null for a
  /// format in which columns have the names that writers choose.
  bool (*may_begin)(std::string_view start);
  /// Opens a file. The reader keeps no reference to the arguments but `counts`, to which it adds
  /// what it reads; null: counts nothing. Throws Error where it cannot be
  /// opened, and where a wanted column's name means nothing in the format.
  std::unique_ptr<RecordReader> (*open)(const std::string& path, const Text& text,
                                        std::span<const WantedColumn> wanted, ReadCounts* counts);
  /// Returns the names of columns that a file has, or of those that its first kNamedRecords records
  /// have: for messages, and for the columns of a join. Null where columns are numbers.
  std::vector<std::string> (*names)(const std::string& path, const Text& text);
  /// Returns the parts of a file, in their order, which together have its records; none where the
  /// file does not tell. Null for a format whose files have no such parts.
  std::vector<FilePart> (*parts)(const std::string& path) = nullptr;
};

/// How many records tell the names of a file's columns.
inline constexpr int kNamedRecords = 100;

/// How many bytes of a file tell its format.
inline constexpr size_t kStartBytes = 64 << 10;

extern const Format kJsonLines;
extern const Format kLibsvm;
extern const Format kLibffm;
extern const Format kSlots;
extern const Format kTfRecord;
extern const Format kArrow;  // Parquet and Arrow IPC, by the plugin

/// All formats, in the order in which they are asked whether they recognise a file. Delimited text,
/// which any other text is, is not among them.
std::span<const Format* const> Formats();
/// Returns the format of a file that begins with these bytes; null for delimited text. libsvm and
/// libffm could be delimited text with spaces: they are not recognised where `text` says how values
/// are delimited, quoted or named.
const Format* RecogniseFormat(std::string_view start, const Text& text);

/// Returns the format of this name; null where there is none.
const Format* FormatNamed(std::string_view name);

/// The beginning of a file.
struct FileStart {
  std::string bytes;  // uncompressed, kStartBytes of them; fewer where the file is shorter
  FileStamp stamp;
};
/// Throws Error as FileBytes does.
FileStart ReadStart(const std::string& path);

}  // namespace zhiyin::worker::data
