// The Arrow C data and C stream interfaces, as the Arrow specification asks everybody to copy them:
// https://arrow.apache.org/docs/format/CDataInterface.html and CStreamInterface.html. Their layout
// never changes. The macros keep Arrow's own headers from defining them a second time.
#pragma once

#include <cstdint>
#include <utility>

extern "C" {

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

/// The type of a column. Whoever made it owns what it points to until release(), which a consumer
/// calls once, and which sets itself to null.
struct ArrowSchema {
  const char* format;    // "l": int64; the specification lists them
  const char* name;      // of the column or field; may be null
  const char* metadata;  // may be null
  int64_t flags;
  int64_t n_children;
  ArrowSchema** children;
  ArrowSchema* dictionary;  // the type of the values, where `format` is that of indices into them
  void (*release)(ArrowSchema*);
  void* private_data;
};

/// The values of a column.
struct ArrowArray {
  int64_t length;
  int64_t null_count;  // -1: not counted
  int64_t offset;      // of the first value, in values, in every buffer and child
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;  // [n_buffers]; the type tells their sizes
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};

#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

/// Batches of rows of one schema, each an array of structs.
struct ArrowArrayStream {
  /// Both return 0 or an errno. After the last batch get_next gives an array with a null release.
  int (*get_schema)(ArrowArrayStream*, ArrowSchema* out);
  int (*get_next)(ArrowArrayStream*, ArrowArray* out);
  /// What the last call that failed says, valid until the next call; may be null.
  const char* (*get_last_error)(ArrowArrayStream*);
  void (*release)(ArrowArrayStream*);
  void* private_data;
};

#endif

}  // extern "C"

namespace zhiyin::worker::data {

/// Owns one of the structs above, and releases it.
template <typename Struct>
class ArrowOwned {
 public:
  ArrowOwned() = default;
  ArrowOwned(ArrowOwned&& other) noexcept : held_(std::exchange(other.held_, Struct{})) {}
  ArrowOwned& operator=(ArrowOwned&& other) noexcept {
    if (this != &other) {
      Release();
      held_ = std::exchange(other.held_, Struct{});
    }
    return *this;
  }
  ~ArrowOwned() { Release(); }

  /// Releases what is held and returns the place for a function to fill.
  Struct* Fill() {
    Release();
    return &held_;
  }
  Struct* get() { return &held_; }
  const Struct& operator*() const { return held_; }
  const Struct* operator->() const { return &held_; }
  explicit operator bool() const { return held_.release != nullptr; }

 private:
  void Release() {
    if (held_.release != nullptr) held_.release(&held_);
    held_ = {};
  }

  Struct held_ = {};
};

}  // namespace zhiyin::worker::data
