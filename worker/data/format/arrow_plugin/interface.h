// What the program and its plugin libzhiyin_arrow.so say to each other. C alone: they may be built
// by different compilers, with different standard libraries and sanitizers.
//
// The plugin exports one function, zhiyin_arrow_plugin. Nothing of it throws. A function that
// returns an int returns 0, or else 1 after it wrote a text that ends in NUL to
// error[0, n_error).
#pragma once

#include <cstddef>
#include <cstdint>

#include "worker/data/format/arrow_c_data.h"

extern "C" {

/// A file that is open. Used by one thread at a time.
struct ZhiyinArrowFile;

/// A part of a file that can be read without those before it: a row group of Parquet. What cannot
/// be read so has one, the whole file.
struct ZhiyinArrowGroup {
  int64_t n_rows;  // -1: not known without reading the file
  int64_t begin;   // its bytes in the file: [begin, end)
  int64_t end;
};

/// A Parquet file that is being written. Used by one thread at a time.
struct ZhiyinParquetWriter;

/// What is at a place of a file system.
enum ZhiyinRemoteKind : int32_t {
  kZhiyinRemoteNothing = 0,
  kZhiyinRemoteFile = 1,
  kZhiyinRemoteFolder = 2,
};
struct ZhiyinRemoteEntry {
  const char* name;  // in the folder that was listed: "a" or "a/b"; valid during the call
  int32_t kind;
  int64_t n_bytes;   // of a file
  int64_t mtime_ns;  // of its last change, since 1970; 0: not known
};
/// Takes an entry; returns other than 0 to be given no more. Never throws.
using ZhiyinRemoteVisitor = int (*)(void* context, const ZhiyinRemoteEntry* entry);

/// A file of such a place that is open. Used by one thread at a time.
struct ZhiyinRemoteFile;

/// Where the bytes of a file that is written go, one after the other.
struct ZhiyinArrowSink {
  void* context;
  /// Takes n bytes; returns 0, or 1 where it cannot. Never throws.
  int (*write)(void* context, const void* bytes, int64_t n);
};

struct ZhiyinArrowPlugin {
  int32_t version;            // kZhiyinArrowVersion
  const char* arrow_version;  // of the Arrow library: "26.0.1"

  /// Opens a file of Parquet or Arrow IPC, by its path or a URL as below, and reads its schema.
  /// What is read of it takes at most `max_bytes` of memory at a time.
  int (*open)(const char* path, int64_t max_bytes, ZhiyinArrowFile** file, char* error,
              size_t n_error);
  /// Streams of the file stay valid.
  void (*close)(ZhiyinArrowFile* file);
  /// "Parquet", "Arrow IPC" or "Arrow IPC stream".
  const char* (*format)(const ZhiyinArrowFile* file);
  /// The columns: the children of a struct.
  int (*schema)(ZhiyinArrowFile* file, ArrowSchema* schema, char* error, size_t n_error);
  int64_t (*n_groups)(const ZhiyinArrowFile* file);
  /// REQUIRES: 0 <= i < n_groups.
  ZhiyinArrowGroup (*group)(const ZhiyinArrowFile* file, int64_t i);
  /// Begins to read these columns, which are given by their positions in the schema in ascending
  /// order, of groups [first, first + n). The batches are consistent: offsets and indices point
  /// into the buffers that they are for. Text may be other than UTF-8.
  int (*read)(ZhiyinArrowFile* file, const int32_t* columns, int64_t n_columns, int64_t first_group,
              int64_t n_groups, ArrowArrayStream* stream, char* error, size_t n_error);

  /// Begins a Parquet file of these columns, the fields of a struct, which it takes over. Whatever
  /// the sink's context points to outlives the writer.
  int (*begin_parquet)(const ZhiyinArrowSink* sink, ArrowSchema* schema,
                       ZhiyinParquetWriter** writer, char* error, size_t n_error);
  /// Writes the rows of a batch, an array of structs, which it takes over.
  int (*write_parquet)(ZhiyinParquetWriter* writer, ArrowArray* batch, char* error, size_t n_error);
  /// Writes what is left, and the footer. Called once.
  int (*finish_parquet)(ZhiyinParquetWriter* writer, char* error, size_t n_error);
  /// Frees the writer, whether it is finished or not. Writes nothing.
  void (*close_parquet)(ZhiyinParquetWriter* writer);

  // Files of other places, by URLs: SCHEME://AUTHORITY/PATH?OPTIONS, where the path is taken as it
  // stands. Schemes are those of Arrow's file systems, as s3. These may be called by any thread.
  /// Says what is at a URL.
  int (*look_at_remote)(const char* url, ZhiyinRemoteEntry* entry, char* error, size_t n_error);
  /// Gives all entries of a folder, in any order; `recursive`: and of those inside it.
  int (*list_remote)(const char* url, int recursive, void* context, ZhiyinRemoteVisitor visit,
                     char* error, size_t n_error);
  /// Opens a file, and says what it is.
  int (*open_remote)(const char* url, ZhiyinRemoteFile** file, ZhiyinRemoteEntry* entry,
                     char* error, size_t n_error);
  /// Reads n bytes from byte `at` on, or as many as there are.
  int (*read_remote)(ZhiyinRemoteFile* file, int64_t at, void* to, int64_t n, int64_t* n_read,
                     char* error, size_t n_error);
  void (*close_remote)(ZhiyinRemoteFile* file);
};

using ZhiyinArrowPluginFunction = const ZhiyinArrowPlugin* (*)();

}  // extern "C"

/// Grows with every change of this file.
inline constexpr int32_t kZhiyinArrowVersion = 3;
