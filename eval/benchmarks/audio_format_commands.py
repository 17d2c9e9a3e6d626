"""The commands that encode and decode every format, for audio_formats.py."""

import re

LOSSLESS = re.compile(r"pcm_[sfu]|flac|alac|wavpack|\btta\b|sox IN OUT.(wv|sph|voc|au|wav)")


def ffmpeg(suffix: str, *codecs: str) -> list[str]:
    """A command for each codec (with its options): IN stands for the source, OUT.x for the file."""
    return [f"ffmpeg -nostdin -v error -y -i IN -c:a {codec} OUT.{suffix}" for codec in codecs]


def piped(encoder: str, suffix: str) -> str:
    """An encoder that writes to a pipe: it can go back and fill in the length nowhere."""
    return f"sh -c '{encoder} | cat > $1' IN OUT.{suffix}"


_LITTLE_ENDIAN = ("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le")
_BIG_ENDIAN = ("pcm_s8", "pcm_s16be", "pcm_s24be", "pcm_s32be", "pcm_f32be", "pcm_f64be")
_G726 = tuple(f"g726 -ac 1 -ar 8000 -b:a {kbps}k" for kbps in (16, 24, 32, 40))
_LAME = ("libmp3lame -b:a 32k", "libmp3lame -b:a 128k", "libmp3lame -q:a 2", "libmp3lame -q:a 9")
_TO_PIPE = "ffmpeg -nostdin -v error -i $0 -f"

COMMANDS: dict[str, list[str]] = {
    "WAV PCM": [
        *ffmpeg("wav", *_LITTLE_ENDIAN, "pcm_s64le", "pcm_s16le -write_bext 1", "pcm_s24le -rf64 always"),
        "sox IN -b 24 OUT.wav",
    ],
    "WAV to a pipe": [piped(f"{_TO_PIPE} wav -", "wav"), piped("sox $0 -t wav -", "wav")],
    "WAV A-law, μ-law": ffmpeg("wav", "pcm_alaw", "pcm_mulaw"),
    "WAV ADPCM": [
        *ffmpeg("wav", "adpcm_ima_wav", "adpcm_ms", "adpcm_yamaha"),
        *("sox IN -e ima-adpcm OUT.wav", "sox IN -e ms-adpcm OUT.wav"),
    ],
    "WAV G.722, G.723.1, G.726": [
        *ffmpeg("wav", "g722 -ac 1", *_G726, "g723_1 -ac 1 -ar 8000 -b:a 6300"),
    ],
    "WAV GSM": [*ffmpeg("wav", "libgsm_ms -ac 1 -ar 8000"), "sox IN -e gsm-full-rate -c 1 OUT.wav"],
    "MP3, MP2 in WAV": ffmpeg("wav", *_LAME, "mp2"),
    "AC-3, WMA, FLAC in WAV": ffmpeg("wav", "ac3", "wmav2", "flac"),
    "AIFF": ffmpeg("aiff", *_BIG_ENDIAN, "pcm_s16le", "pcm_alaw", "pcm_mulaw", "adpcm_ima_qt"),
    "AU": [
        *ffmpeg("au", *_BIG_ENDIAN, "pcm_alaw", "pcm_mulaw", "g722", *_G726),
        piped("sox $0 -t au -", "au"),
    ],
    "CAF": ffmpeg(
        "caf", *_BIG_ENDIAN, "pcm_s16le", "pcm_alaw", "alac", "adpcm_ima_qt", "libmp3lame", "flac", "ac3"
    ),
    "W64": ffmpeg("w64", *_LITTLE_ENDIAN, "pcm_alaw", "adpcm_ima_wav", "libmp3lame"),
    "VOC": [*ffmpeg("voc", "pcm_u8", "pcm_s16le", "pcm_alaw", "pcm_mulaw"), "sox IN OUT.voc"],
    "SPHERE": ["sox IN OUT.sph", "sox IN -e mu-law OUT.sph"],
    "IRCAM, PVF, MAT, PAF, HTK": [
        f"sox IN OUT.{suffix}" for suffix in ("ircam", "pvf", "mat4", "mat5", "paf", "htk")
    ],
    "8SVX, SDS, MAUD, AVR": [f"sox IN OUT.{suffix}" for suffix in ("8svx", "sds", "maud", "avr")],
    "FLAC": [
        *ffmpeg("flac", "flac", "flac -sample_fmt s32", "flac -compression_level 12"),
        "flac -s -f IN -o OUT.flac",
    ],
    "FLAC without a length": [piped(f"{_TO_PIPE} flac -", "flac"), piped("flac -s -c - < $0", "flac")],
    "FLAC in Ogg": [*ffmpeg("ogg", "flac", "flac -sample_fmt s32"), "flac -s -f --ogg IN -o OUT.oga"],
    "Ogg Vorbis": [*ffmpeg("ogg", "libvorbis -q:a 1", "libvorbis -q:a 9"), "oggenc -Q IN -o OUT.ogg"],
    "Ogg Opus": [
        *ffmpeg("opus", "libopus -b:a 12k", "libopus -b:a 24k", "libopus -b:a 96k"),
        "opusenc --quiet IN OUT.opus",
    ],
    "Ogg Speex": [
        *ffmpeg("ogg", "libspeex"),
        *(f"speexenc {how} IN OUT.spx" for how in ("", "--vbr", "--quality 3", "--nframes 5", "--vbr --dtx")),
    ],
    "MP3": [
        *ffmpeg("mp3", *_LAME, "libmp3lame -abr 1 -b:a 64k", "libshine"),
        *(f"lame --quiet {how} IN OUT.mp3" for how in ("-b 64", "-V 4", "-p -V 4", "--freeformat -b 100")),
    ],
    "MP3 without a Xing header": [
        *ffmpeg("mp3", *(f"{codec} -write_xing 0" for codec in _LAME)),
        *("lame --quiet -t IN OUT.mp3", "lame --quiet -t -V 4 IN OUT.mp3", "sox IN OUT.mp3"),
        *(piped(f"{_TO_PIPE} mp3 -", "mp3"), piped("lame --quiet -V 5 $0 -", "mp3")),
    ],
    "MPEG layer II": [
        *ffmpeg("mp2", "mp2 -b:a 64k", "mp2 -b:a 192k", "libtwolame -b:a 64k", "mp2fixed -b:a 64k"),
        *("twolame --quiet -v 0 IN OUT.mp2", "twolame --quiet -p IN OUT.mp2"),
    ],
    "M4A, MP4, 3GP": [
        *ffmpeg("m4a", "aac -b:a 32k", "aac -b:a 128k", "alac", "aac -movflags frag_keyframe+empty_moov"),
        *ffmpeg("mp4", "libmp3lame", "ac3", "libopus -strict -2", "flac -strict -2"),
        *ffmpeg("3gp", "aac"),
    ],
    "QuickTime": ffmpeg(
        "mov", "pcm_s16le", "pcm_s24be", "pcm_f32le", "pcm_mulaw", "alac", "aac", "libmp3lame"
    ),
    "Matroska, WebM": [
        *ffmpeg("mka", "pcm_s16le", "pcm_f32le", "flac", "aac", "libmp3lame", "libvorbis", "libopus", "ac3"),
        *ffmpeg("webm", "libvorbis", "libopus", "libopus -live 1"),
    ],
    "AVI": ffmpeg("avi", "pcm_s16le", "libmp3lame", "ac3", "adpcm_ms", "pcm_mulaw", "mp2"),
    "WMA": ffmpeg("wma", "wmav1", "wmav2 -b:a 32k", "wmav2 -b:a 128k"),
    "AAC (ADTS)": ffmpeg("aac", "aac -b:a 32k", "aac -b:a 128k"),
    "FLV": ffmpeg("flv", "aac", "libmp3lame", "pcm_s16le", "nellymoser", "libspeex"),
    "MPEG-TS": ffmpeg("ts", "aac", "mp2", "libmp3lame", "ac3"),
    "AMR": ["sox IN -c 1 -r 8000 OUT.amr-nb", "sox IN -c 1 -r 16000 OUT.amr-wb"],
    "WavPack, TTA": [*ffmpeg("wv", "wavpack"), *ffmpeg("tta", "tta"), "sox IN OUT.wv"],
    "AC-3, E-AC-3": [*ffmpeg("ac3", "ac3"), *ffmpeg("eac3", "eac3")],
    "without a header": [
        *ffmpeg("g722", "g722"),
        *(f"sox IN -c 1 -r 8000 OUT.{suffix}" for suffix in ("gsm", "raw", "vox", "ul")),
    ],
}

_FFMPEG = "ffmpeg -nostdin -v error -y -i IN -map a:0 -c:a pcm_f32le OUT"
_FFMPEG_LIBOPUS = "ffmpeg -nostdin -v error -y -c:a libopus -i IN -c:a pcm_f32le OUT"
_FFMPEG_MP2 = "ffmpeg -nostdin -v error -y -c:a mp2float -i IN -c:a pcm_f32le OUT"
_SOX = "sox IN -e floating-point -b 32 OUT"

# ffmpeg calculates ADPCM otherwise than its standards, does not always cut the end of Ogg Vorbis, decodes
# layer II in 16 bits and free formats not at all; libopus decodes at the rate that its encoder was given.
REFERENCES = {
    **dict.fromkeys(("WAV ADPCM", "W64", "VOC", "SPHERE", "AMR", "AU", "WAV GSM"), (_FFMPEG, _SOX)),
    **dict.fromkeys(("IRCAM, PVF, MAT, PAF, HTK", "8SVX, SDS, MAUD, AVR"), (_FFMPEG, _SOX)),
    "AVI": (_FFMPEG, _SOX),
    "Ogg Vorbis": (_FFMPEG, "oggdec -Q IN -o OUT"),
    "Ogg Opus": (
        _FFMPEG_LIBOPUS,
        *(f"opusdec --quiet --float --rate {rate} IN OUT" for rate in (8000, 16_000)),
    ),
    "MP3": (_FFMPEG, "lame --quiet --decode IN OUT"),
    "MPEG layer II": (_FFMPEG_MP2,),
    "MP3, MP2 in WAV": (_FFMPEG, _FFMPEG_MP2),
}


def references(name: str) -> tuple[str, ...]:
    """The commands that decode a format."""
    return REFERENCES.get(name, (_FFMPEG,))
