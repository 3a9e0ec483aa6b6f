/** Of the API, not of the program: `since` of methods and topics counts in these. */
export const apiVersion = '1.1'
