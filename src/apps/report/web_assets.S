/* The files of web/ as bytes. EKYA_CHART_LIBRARY is undefined where web/node_modules is absent. */
        .section .rodata

        .macro embed name, file
        .global \name\()_begin
        .global \name\()_end
\name\()_begin:
        .incbin "\file"
\name\()_end:
        .byte 0
        .endm

        embed ekya_report_script, EKYA_REPORT_SCRIPT
        embed ekya_report_style, EKYA_REPORT_STYLE
#ifdef EKYA_CHART_LIBRARY
        embed ekya_chart_library, EKYA_CHART_LIBRARY
#else
        .global ekya_chart_library_begin
        .global ekya_chart_library_end
ekya_chart_library_begin:
ekya_chart_library_end:
        .byte 0
#endif

        .section .note.GNU-stack,"",%progbits
