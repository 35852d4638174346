// Validation of UTF-8.
#pragma once

#include <string_view>

namespace zhiyin {

/// Position of the first byte that does not belong to valid UTF-8 (RFC 3629: no surrogates, no
/// overlong forms, nothing above U+10FFFF), or npos. NUL is valid here.
size_t FindInvalidUtf8(std::string_view text);

}  // namespace zhiyin
