// A file that Arrow reads by the calling thread and into memory that is limited.
#pragma once

#include <arrow/buffer.h>
#include <arrow/io/file.h>
#include <arrow/memory_pool.h>
#include <arrow/util/future.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "worker/data/format/arrow_plugin/remote.h"

namespace zhiyin::worker::data::format::arrow_plugin {

/// Arrow's own file lets threads of Arrow's read ahead. This one reads what it is asked for when it
/// is asked. Borrows the pool. Used by one thread.
class OwnFile : public arrow::io::RandomAccessFile {
 public:
  using BufferPtr = std::shared_ptr<arrow::Buffer>;

  static arrow::Result<std::shared_ptr<OwnFile>> Open(const std::string& path,
                                                      arrow::MemoryPool* pool) {
    if (IsUrl(path)) {
      ARROW_ASSIGN_OR_RAISE(RemoteFile file, RemoteFile::Open(path));
      return std::make_shared<OwnFile>(std::move(file.bytes), pool, /*is_remote=*/true);
    }
    ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path, pool));
    return std::make_shared<OwnFile>(std::move(file), pool, /*is_remote=*/false);
  }
  OwnFile(std::shared_ptr<arrow::io::RandomAccessFile> file, arrow::MemoryPool* pool,
          bool is_remote)
      : file_(std::move(file)), pool_(pool), is_remote_(is_remote), context_(pool) {}

  bool is_remote() const { return is_remote_; }

  /// Limits how much is read into memory that Arrow takes from elsewhere, from now on.
  void SetBudget(int64_t n_bytes) { budget_ = budget_left_ = n_bytes; }

  arrow::Status Close() override { return file_->Close(); }
  bool closed() const override { return file_->closed(); }
  arrow::Result<int64_t> Tell() const override { return file_->Tell(); }
  arrow::Status Seek(int64_t position) override { return file_->Seek(position); }
  arrow::Result<int64_t> GetSize() override { return file_->GetSize(); }
  arrow::Result<int64_t> Read(int64_t n, void* out) override { return file_->Read(n, out); }
  arrow::Result<BufferPtr> Read(int64_t n) override { return file_->Read(n); }
  arrow::Result<int64_t> ReadAt(int64_t at, int64_t n, void* out) override {
    return ReadAt(at, n, /*may_be_short=*/true, out);
  }
  arrow::Result<int64_t> ReadAt(int64_t at, int64_t n, bool may_be_short, void* out) override {
    if (n > budget_left_) {
      return arrow::Status::OutOfMemory("a batch of more than ", budget_,
                                        " bytes, expected smaller ones");
    }
    budget_left_ -= std::max<int64_t>(0, n);
    return file_->ReadAt(at, n, may_be_short, out);
  }
  arrow::Result<BufferPtr> ReadAt(int64_t at, int64_t n) override {
    return ReadAt(at, n, /*may_be_short=*/true);
  }
  arrow::Result<BufferPtr> ReadAt(int64_t at, int64_t n, bool may_be_short) override {
    if (!is_remote_) return file_->ReadAt(at, n, may_be_short);
    // A file system would take the memory from elsewhere.
    ARROW_ASSIGN_OR_RAISE(const int64_t n_bytes, file_->GetSize());
    const int64_t n_there = std::clamp(n_bytes - at, int64_t{0}, std::max<int64_t>(0, n));
    if (n_there < n && !may_be_short)
      return arrow::Status::IOError("it ends at byte ", n_bytes, ", expected ", n,
                                    " bytes from byte ", at, " on");
    ARROW_ASSIGN_OR_RAISE(auto bytes, arrow::AllocateResizableBuffer(n_there, pool_));
    ARROW_ASSIGN_OR_RAISE(const int64_t n_read, file_->ReadAt(at, n_there, bytes->mutable_data()));
    ARROW_RETURN_NOT_OK(bytes->Resize(n_read));
    return BufferPtr(std::move(bytes));
  }
  arrow::Future<BufferPtr> ReadAsync(const arrow::io::IOContext&, int64_t at, int64_t n) override {
    return arrow::Future<BufferPtr>::MakeFinished(ReadAt(at, n));
  }
  arrow::Future<BufferPtr> ReadAsync(const arrow::io::IOContext&, int64_t at, int64_t n,
                                     bool may_be_short) override {
    return arrow::Future<BufferPtr>::MakeFinished(ReadAt(at, n, may_be_short));
  }
  arrow::Status WillNeed(const std::vector<arrow::io::ReadRange>&) override {
    return arrow::Status::OK();
  }
  const arrow::io::IOContext& io_context() const override { return context_; }

 private:
  std::shared_ptr<arrow::io::RandomAccessFile> file_;
  arrow::MemoryPool* pool_;
  bool is_remote_;
  int64_t budget_ = INT64_MAX;
  int64_t budget_left_ = INT64_MAX;
  arrow::io::IOContext context_;
};

}  // namespace zhiyin::worker::data::format::arrow_plugin
