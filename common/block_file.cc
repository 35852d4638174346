#include "common/block_file.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "common/error.h"

namespace zhiyin {
namespace {

constexpr size_t kSumBytes = sizeof(uint64_t);
constexpr size_t kWholeBlock = kBlockBytes + kSumBytes;
static_assert(kWholeBlock == kDirectBytes);
/// Between the two threads.
constexpr size_t kBlocks = 8;

std::string_view AsText(const std::byte* bytes, size_t n) {
  return {reinterpret_cast<const char*>(bytes), n};
}

size_t BlocksFor(Beside beside) {
  return beside == Beside::kThread ? kBlocks : 1;
}

}  // namespace

BlockWriter::BlockWriter(const std::string& path, Beside beside, std::function<void()> on_wait)
    : file_(path),
      on_wait_(std::move(on_wait)),
      pipe_(BlocksFor(beside), kWholeBlock),
      block_(pipe_.TakeEmpty()) {
  if (beside == Beside::kNobody) return;
  thread_ = std::thread([this] {
    try {
      while (std::optional<BlockPipe::Block> block = pipe_.TakeFilled()) {
        WriteOut(&*block);
        pipe_.GiveBack(std::move(*block));
      }
      if (commits_) file_.Commit();
    } catch (...) {
      pipe_.End(std::current_exception());
    }
    is_over_ = true;
  });
}

BlockWriter::~BlockWriter() {
  JoinThread();
}

void BlockWriter::JoinThread() {
  if (!thread_.joinable()) return;
  pipe_.End();
  thread_.join();
}

void BlockWriter::Write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const size_t n = std::min(bytes.size(), kBlockBytes - block_->n);
    std::memcpy(block_->bytes.get() + block_->n, bytes.data(), n);
    block_->n += n;
    bytes = bytes.subspan(n);
    if (block_->n == kBlockBytes) Pass();
  }
}

void BlockWriter::Pass() {
  if (!thread_.joinable()) {
    WriteOut(&*block_);
  } else {
    pipe_.Give(std::move(*block_));
    block_ = pipe_.TakeEmpty(on_wait_);  // or what the thread failed with
  }
}

void BlockWriter::WriteOut(BlockPipe::Block* block) {
  const uint64_t sum = HashBytes(AsText(block->bytes.get(), block->n), number_++);
  std::memcpy(block->bytes.get() + block->n, &sum, kSumBytes);
  file_.Write({block->bytes.get(), block->n + kSumBytes});
  digest_.Update(std::as_bytes(std::span(&sum, 1)));
  block->n = 0;
}

void BlockWriter::Commit() {
  StartCommit();
  IsCommitted(/*wait=*/true);
}

void BlockWriter::StartCommit() {
  if (thread_.joinable()) {
    if (block_->n > 0) pipe_.Give(std::move(*block_));
    commits_ = true;
    pipe_.End();
  } else {
    if (block_->n > 0) WriteOut(&*block_);
    file_.Commit();
  }
}

bool BlockWriter::IsCommitted(bool wait) {
  if (!thread_.joinable()) return true;
  if (!wait && !is_over_) return false;
  thread_.join();
  pipe_.Check();
  return true;
}

BlockReader::BlockReader(const std::string& path, Beside beside, Tick tick)
    : file_(path),
      tick_(std::move(tick)),
      n_file_bytes_(file_.n_left()),
      pipe_(BlocksFor(beside), kWholeBlock) {
  const size_t rest = static_cast<size_t>(n_file_bytes_) % kWholeBlock;
  if (rest > 0 && rest <= kSumBytes)
    Fail(path, ": ", n_file_bytes_,
         " bytes end within a checksum: the file was cut off, or something was added");
  n_left_ = n_file_bytes_ / static_cast<int64_t>(kWholeBlock) * static_cast<int64_t>(kBlockBytes) +
            static_cast<int64_t>(rest > 0 ? rest - kSumBytes : 0);
  if (beside == Beside::kNobody) return;
  thread_ = std::thread([this] {
    try {
      while (std::optional<BlockPipe::Block> block = pipe_.TakeEmpty()) {
        if (!ReadIn(&*block)) break;
        pipe_.Give(std::move(*block));
      }
      pipe_.End();
    } catch (...) {
      pipe_.End(std::current_exception());
    }
  });
}

BlockReader::~BlockReader() {
  if (!thread_.joinable()) return;
  pipe_.End();
  thread_.join();
}

void BlockReader::Read(std::span<std::byte> bytes) {
  if (static_cast<int64_t>(bytes.size()) > n_left_)
    Fail(path(), ": ends at byte ", at_ + n_left_, " of its content, but ", bytes.size(),
         " more were expected at ", at_);
  n_left_ -= static_cast<int64_t>(bytes.size());
  at_ += static_cast<int64_t>(bytes.size());
  while (!bytes.empty()) {
    if (!block_ || n_used_ == block_->n) NextBlock();
    if (!block_) Fail(path(), ": became shorter while it was read");
    const size_t n = std::min(bytes.size(), block_->n - n_used_);
    std::memcpy(bytes.data(), block_->bytes.get() + n_used_, n);
    n_used_ += n;
    bytes = bytes.subspan(n);
  }
}

void BlockReader::NextBlock() {
  tick_();
  n_used_ = 0;
  if (thread_.joinable()) {
    if (block_) pipe_.GiveBack(std::move(*block_));
    block_ = pipe_.TakeFilled();
  } else {
    if (!block_) block_ = pipe_.TakeEmpty();
    if (!ReadIn(&*block_)) block_.reset();
  }
  if (block_) CheckSum();
}

bool BlockReader::ReadIn(BlockPipe::Block* block) {
  const size_t n = std::min(static_cast<size_t>(file_.n_left()), kWholeBlock);
  if (n == 0) return false;
  file_.Read({block->bytes.get(), n});
  block->n = n - kSumBytes;
  return true;
}

void BlockReader::CheckSum() {
  uint64_t sum;
  std::memcpy(&sum, block_->bytes.get() + block_->n, kSumBytes);
  if (sum != HashBytes(AsText(block_->bytes.get(), block_->n), number_)) {
    const uint64_t begin = number_ * kWholeBlock;
    Fail(path(), ": damaged: bytes ", begin, " to ", begin + block_->n + kSumBytes,
         " do not fit their checksum");
  }
  ++number_;
  digest_.Update(std::as_bytes(std::span(&sum, 1)));
}

void BlockReader::SkipTo(int64_t at) {
  const uint64_t number = static_cast<uint64_t>(at) / kBlockBytes;
  n_left_ -= at - at_;
  at_ = at;
  if (!block_ || number_ != number + 1) {
    file_.SkipTo(static_cast<int64_t>(number * kWholeBlock));
    number_ = number;
    NextBlock();
  }
  n_used_ = static_cast<size_t>(at) % kBlockBytes;
}

void BlockReader::SkipToEnd() {
  at_ += n_left_;
  n_left_ = 0;
  do {
    NextBlock();
  } while (block_);
}

}  // namespace zhiyin
