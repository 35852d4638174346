// UTF-8: validation, and text that is cut between characters.
#pragma once

#include <string_view>

namespace zhiyin {

/// Position of the first byte that does not belong to valid UTF-8 (RFC 3629: no surrogates, no
/// overlong forms, nothing above U+10FFFF), or npos. NUL is valid here.
size_t FindInvalidUtf8(std::string_view text);

/// The longest beginning of UTF-8 text that has at most max_bytes bytes and ends with a whole
/// character.
std::string_view Utf8Beginning(std::string_view text, size_t max_bytes);

}  // namespace zhiyin
